"""Platforms that run the model, one module per platform, and the benchmark that measures them.

Export a model for every platform, and compare them in turns, with the first as the reference:

    from deployworkbook.runtimes import (
        MeasurementPlan,
        compare_platforms,
        export_everywhere,
        read_for_cloud,
        read_for_edge,
    )

    exports = export_everywhere(Variant("float32", model=model), Path("artifacts"))
    results = compare_platforms(exports.artifacts, data, MeasurementPlan(rounds=3))
    print(read_for_edge(results)[0], read_for_cloud(results)[0])

A single platform; ``RUNTIMES`` has all of them by name:

    from deployworkbook.runtimes import (
        RUNTIMES,
        LiteRTPredictor,
        LiteRTRuntime,
        SavedModelRuntime,
        benchmark,
        compressed_bytes,
        count_correct,
        parity,
        predict_in_batches,
        runtime,
    )

    litert = LiteRTRuntime(threads=1)
    same = runtime("litert")
    artifact = litert.export(Variant("float32", model=model), Path("artifacts"))
    row = benchmark(litert, artifact, data, repetitions=200)
    print(compressed_bytes(artifact), list(RUNTIMES))

    served = SavedModelRuntime().export(Variant("float32", model=model), Path("artifacts"))
    reference = predict_in_batches(SavedModelRuntime().load(served), data.test.images)
    predictor = LiteRTPredictor(flatbuffer, threads=1)
    print(count_correct(predictor, data.test), "of", len(data.test))
    print(parity(reference, predict_in_batches(predictor, data.test.images)))

The smallest of your exported forms that is accurate enough on validation images:

    from deployworkbook.runtimes import smallest_form

    own = smallest_form(folder, ["int8", "int4"], data.validation, accuracy_share=0.97)

A language model's decoder as an ONNX file, and how many tokens per second it reads and writes:

    from deployworkbook.formulas.transformer import random_weights
    from deployworkbook.runtimes import (
        GPT2_SMALL,
        NumPyDecoder,
        ONNXDecoder,
        decoder_onnx,
        measure_decoding,
    )

    weights = random_weights(GPT2_SMALL)
    decoders = {
        "float32": ONNXDecoder(decoder_onnx(GPT2_SMALL, weights, last_only=True)),
        "numpy": NumPyDecoder(GPT2_SMALL, weights),
    }
    speeds = measure_decoding(decoders, vocabulary=GPT2_SMALL.vocabulary, batch=1)
    print(speeds["float32"].decode_tokens_per_s)

The same file in OpenVINO:

    from deployworkbook.runtimes import added_memory, open_decoder

    file = decoder_onnx(GPT2_SMALL, weights, last_only=True)
    decoder, added_bytes = added_memory(lambda: open_decoder("openvino", file, threads=1))
    sequence = decoder.start()
    print(sequence(np.array([[11, 42]])).shape)  # logits of the next token

What this runtime's kernels reach here, and so how long a step of a decoder of any size takes:

    from deployworkbook.formulas.kernel_ceilings import decoder_seconds
    from deployworkbook.formulas.token_costs import step_work
    from deployworkbook.runtimes import measure_ceilings

    def in_float32(shape):
        return ONNXDecoder(decoder_onnx(shape, random_weights(shape), last_only=True))

    ceilings = measure_ceilings({"float32": in_float32}, weight_bits={"float32": 32})
    work = step_work(GPT2_SMALL, new=1, past=16, weight_bits=32, cache_bits=32)
    print(decoder_seconds(work, ceilings["float32"], layers=GPT2_SMALL.layers))

Your own timings, in turns or one by one, and the limits of the machine:

    from deployworkbook.runtimes import (
        batch_times,
        latencies,
        measure_latency,
        measure_limits,
        measure_throughput,
        processor_clock,
        time_batches,
        time_images,
    )

    ways = {"litert": predictor, "keras": model.predict_on_batch}
    single = latencies(ways, data.test.images, MeasurementPlan(own_process=False))
    by_size = batch_times(ways, data.test.images, MeasurementPlan(batch_sizes=(1, 64)))
    latency = measure_latency(predictor, data.test.images, repetitions=500)
    images_per_s = measure_throughput(predictor, data.test.images, batch_sizes=(1, 64))
    seconds = time_batches(predictor, data.test.images[:64], seconds=0.1, least=5)
    times = time_images(predictor, data.test.images, repetitions=100, warm_up=10)
    limits = measure_limits(traffic_bytes=400_000)
    clock = processor_clock()  # of what this process computes
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
