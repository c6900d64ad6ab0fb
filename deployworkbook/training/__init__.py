"""The workbook's model: its data, its layers, its training.

``keras`` and ``tf`` are Keras 2 and TensorFlow; import them from here, because Keras 2 must be
chosen before TensorFlow is imported. For example:

    from deployworkbook.training import Recipe, Variant, baseline, load_dataset
    from deployworkbook.training import keras, mlp, pin_threads, set_seed, tf, to_flatbuffer, train

    pin_threads(2)
    set_seed(0)
    data = load_dataset("digits")
    trained = baseline(data, Recipe(epochs=5))  # trained once, then from the cache
    model, history = train(data, Recipe(architecture="cnn", epochs=1))
    variant = Variant("float32", flatbuffer=to_flatbuffer(trained.model))

    network = mlp(hidden_units=16)
    network.compile(keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy")
    logits = tf.math.log(network(data.test.images))
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
