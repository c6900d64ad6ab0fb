"""The workbook's models: their data, their layers, their training.

``keras`` and ``tf`` are Keras 2 and TensorFlow; import them from here, because Keras 2 must be
chosen before TensorFlow is imported. For example:

    from deployworkbook.training import Recipe, Variant, baseline, load_dataset, prepare_fit
    from deployworkbook.training import keras, mlp, pin_threads, set_seed, tf, to_flatbuffer, train

    pin_threads(2)
    set_seed(0)
    data = load_dataset("digits")
    trained = baseline(data, Recipe(epochs=5))  # trained once, then from the cache
    model, history = train(data, Recipe(architecture="cnn", epochs=1))
    variant = Variant("float32", flatbuffer=to_flatbuffer(trained.model))

    network = mlp(hidden_units=16)
    network.compile(keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy")
    prepare_fit(network, data.train)  # then Keras's fit begins sooner
    network.fit(data.train.images, data.train.labels, verbose=0)
    logits = tf.math.log(network(data.test.images))

A small language model, trained once on Python's own library, and its bits per byte on modules that
it never saw. Once it is trained, none of this imports TensorFlow:

    from deployworkbook.training import (
        LanguageRecipe,
        language_model,
        load_code_text,
        measure_quality,
    )

    text = load_code_text()
    coder = language_model(LanguageRecipe(seed=0), text=text)
    context = coder.shape.context
    quality = measure_quality(coder, coder.vocabulary, text.held_out, context=context)
    print(quality.bits_per_byte, quality.interval())

The same model as a SavedModel, for a server. The first export does import TensorFlow:

    from deployworkbook.training import export_language_model

    saved = export_language_model(coder)  # a folder, to be published
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
