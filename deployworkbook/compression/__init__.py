"""Techniques that make the model smaller, one per module.

Use ``distill``, ``pipeline`` and ``toolkit`` as modules, because the name of the module is part of
the meaning: ``distill.teacher``, ``pipeline.run``. ``tfmot`` is the TensorFlow Model Optimization
Toolkit.

Fewer bits, as files; ``TECHNIQUES`` has all techniques by name:

    from deployworkbook.compression import (
        TECHNIQUES,
        calibration_images,
        dense_layers,
        output_grid,
        quantize,
        quantize_onnx,
        tfmot,
        train_aware_once,
        with_stored_integers,
    )

    images = calibration_images(data.train, count=500)
    small = quantize(model, "int8-full", images=images)
    print(dense_layers(small.flatbuffer)[0].weights, output_grid(small.flatbuffer))
    static = quantize_onnx(model, "onnx-int8-static", images=images)
    two_bits = train_aware_once(model, data, bits=2, epochs=6)
    stored = with_stored_integers(model)
    print(list(TECHNIQUES), tfmot.__version__)

A language model in blocks of few bits, rounded to nearest and by GPTQ, and random blocks of a real
size, for speed alone:

    from deployworkbook.compression import quantize_decoder, random_blocks

    crude = quantize_decoder(coder, bits=4)
    careful = quantize_decoder(coder, bits=4, method="gptq", text=text.train)
    print(careful.bits_per_weight, len(careful.onnx()))
    blocks = random_blocks(GPT2_SMALL, bits=4)

Two of every four of its weights, by the data that pass through them, and in 4 bits as well:

    from deployworkbook.compression import prune_decoder

    sparse = prune_decoder(coder, text=text.train)
    both = prune_decoder(coder, bits=4, rounding="gptq", text=text.train)
    print(sparse.bits_per_weight, both.bits_per_weight)

Fewer bits, simulated before a file is made:

    from deployworkbook.compression import (
        LearnedStep,
        grid_step,
        modelled,
        rounded,
        scan_sensitivity,
    )

    row = modelled(model, 3, data)
    crude = rounded(model, bits=2)
    by_layer = scan_sensitivity(model, data.validation, bits=(2, 4, 8))
    step = grid_step(model.get_weights()[0], 4)
    quantizer = LearnedStep(num_bits=2)  # for quantization-aware training

Fewer weights and neurons:

    from deployworkbook.compression import (
        Examples,
        Pruning,
        Settings,
        importance,
        make_once,
        prune,
        prune_neurons,
        shrink,
        sparsity_of,
        toolkit,
    )

    examples = Examples(data.train.images, data.train.labels)
    scores = importance(model, examples, criterion="fisher")
    settings = Settings(epochs=2)
    sparse = prune(model, examples, pruning=Pruning(sparsity=0.95), settings=settings)
    print(sparsity_of(sparse))
    narrow = prune_neurons(model, examples, share=0.5, settings=settings)
    same = shrink(model, [np.ones(128, bool)])  # keeps all 128 neurons
    theirs = make_once(toolkit.prune_low_magnitude, model, data, sparsity=0.95)

Whole numbers as one coded file, about two thirds of a zip file's size:

    from deployworkbook.compression import (
        IntegerLayer,
        coded_flatbuffer,
        decode_network,
        encode_network,
        integer_layers,
        load_coded,
    )

    layers: list[IntegerLayer] = integer_layers(sparse.get_weights(), bits=4)
    content = encode_network(layers)
    assert decode_network(content)[0].step == layers[0].step
    predict = load_coded(content)  # by NumPy, and nothing else
    served = Variant("coded", flatbuffer=coded_flatbuffer(content))  # what a server takes

Figures over several seeds, measured beforehand and kept with command, machine and date:

    from deployworkbook.compression import read_results

    print(read_results("frontier")["provenance"])

Distillation, and several techniques one after another:

    from deployworkbook.compression import (
        Cluster,
        Clustering,
        Prune,
        Quantize,
        compare_students,
        distill,
        pipeline,
    )

    teacher = distill.teacher(data)
    taught = distill.learn_from(data, teacher)
    pairs = compare_students(taught, data.test, settings=settings, hidden_units=16, seeds=[0, 1])
    stages = [Prune(Pruning(sparsity=0.97)), Cluster(Clustering(values=16)), Quantize(8)]
    outcomes = pipeline.run(model, data, recipe=stages)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
