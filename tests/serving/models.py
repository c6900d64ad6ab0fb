"""SavedModels that tests serve: TensorFlow Serving's y = x / 2 + 2, and others of all types."""

from pathlib import Path

import numpy as np

from deployworkbook.training.keras2 import tf

v1 = tf.compat.v1
sm = v1.saved_model
PREDICT = "tensorflow/serving/predict"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


def half_plus_two(path, *, add=2.0):
    """TensorFlow 1's way: variables, a parsed example, predict, classify and regress."""
    with v1.Graph().as_default(), v1.Session() as session:
        half = v1.get_variable("half", initializer=0.5, use_resource=False)
        two = v1.get_variable("two", initializer=add, use_resource=False)
        serialized = v1.placeholder(tf.string, [None], name="tf_example")
        spec = {"x": v1.io.FixedLenFeature([1], tf.float32, default_value=[0.0])}
        parsed = v1.io.parse_example(serialized, spec)
        x = tf.identity(parsed["x"], name="x")
        y = tf.add(half * x, two, name="y")
        labels = tf.tile(tf.constant([["half"]]), [tf.shape(x)[0], 1])
        session.run(v1.global_variables_initializer())
        info = sm.build_tensor_info
        examples = {"inputs": info(serialized)}
        signatures = {
            "serving_default": sm.build_signature_def({"x": info(x)}, {"y": info(y)}, PREDICT),
            "classify_x_to_y": sm.build_signature_def(examples, {"scores": info(y)}, CLASSIFY),
            "classify_labels": sm.build_signature_def(
                examples, {"scores": info(y), "classes": info(labels)}, CLASSIFY
            ),
            "regress_x_to_y": sm.build_signature_def(examples, {"outputs": info(y)}, REGRESS),
            "two_outputs": sm.build_signature_def(
                {"x": info(x)}, {"y": info(y), "x_again": info(x * 1.0)}, PREDICT
            ),
            "three_outputs": sm.build_signature_def(
                {"x": info(x)}, {"a": info(y), "b": info(y), "c": info(y)}, PREDICT
            ),
            "two_inputs": sm.build_signature_def(
                {"x": info(x), "y": info(y)}, {"z": info(y)}, PREDICT
            ),
        }
        return _save(path, session, signatures)


def types(path):
    """Identities of every type, and strings under a name of bytes."""
    with v1.Graph().as_default(), v1.Session() as session:
        signatures = {}
        for name in ("float32", "float64", "int8", "int16", "int32", "int64", "uint8",
                     "uint32", "uint64", "bool", "string", "float16", "bfloat16"):  # fmt: skip
            x = v1.placeholder(name, None, name=f"in_{name}")
            out = "y_bytes" if name == "string" else "y"
            info = sm.build_tensor_info
            signatures[name] = sm.build_signature_def(
                {"x": info(x)}, {out: info(tf.identity(x))}, PREDICT
            )
        texts = v1.placeholder(tf.string, None)
        signatures["text"] = sm.build_signature_def(
            {"x": info(texts)}, {"y": info(tf.identity(texts))}, PREDICT
        )
        signatures["joined"] = sm.build_signature_def(
            {"x": info(texts)}, {"y_bytes": info(tf.strings.reduce_join(texts))}, PREDICT
        )
        signatures["twice"] = sm.build_signature_def(
            {"x": info(texts)},
            {"y_bytes": info(tf.identity(texts)), "z": info(tf.strings.length(texts))},
            PREDICT,
        )
        a, b = v1.placeholder(tf.float32, None), v1.placeholder(tf.int64, None)
        signatures["pair"] = sm.build_signature_def(
            {"a": info(a), "b": info(b)},
            {"sum": info(a + tf.cast(b, tf.float32)), "b": info(b * 1)},
            PREDICT,
        )
        signatures["scalar"] = sm.build_signature_def(
            {"x": info(a)}, {"y": info(tf.reduce_sum(a))}, PREDICT
        )
        return _save(path, session, signatures)


def wide(path, *, size=1536, layers=2):
    """A network whose weights are read from memory once a run, however many examples share it."""
    generator = np.random.default_rng(0)
    module = tf.Module()
    module.weights = [
        tf.Variable(generator.normal(0, size**-0.5, (size, size)).astype(np.float32))
        for _ in range(layers)
    ]

    @tf.function(input_signature=[tf.TensorSpec([None, size], tf.float32, "x")])
    def serve(x):
        for weights in module.weights:
            x = tf.nn.relu(tf.matmul(x, weights))
        return {"y": x[:, :10]}

    tf.saved_model.save(module, str(path), signatures={"serving_default": serve})
    return path


def slow(path, *, seconds=1.0):
    """A model that takes its time."""

    with v1.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, None, name="x")
        # A loop of additions, as long as asked for; NumPy functions do not survive in a file.
        count = tf.cast(seconds * 60_000, tf.int32)
        _, y = tf.while_loop(
            lambda i, _: i < count, lambda i, y: (i + 1, y + 0.0), [tf.constant(0), x],
            parallel_iterations=1,
        )  # fmt: skip
        info = sm.build_tensor_info
        signature = sm.build_signature_def({"x": info(x)}, {"y": info(y)}, PREDICT)
        return _save(path, session, {"serving_default": signature})


def _save(path, session, signatures):
    builder = sm.Builder(str(path))
    builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map=signatures)
    builder.save()
    return Path(path)
