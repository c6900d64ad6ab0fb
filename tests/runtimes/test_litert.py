"""LiteRT files: exported whole, loaded with clear errors and without TensorFlow."""

import shutil
import time

import numpy as np
import pytest

from deployworkbook.runtimes.base import Artifact
from deployworkbook.runtimes.litert import LiteRTRuntime
from deployworkbook.training.keras2 import tf
from deployworkbook.training.variant import Variant


@pytest.fixture(scope="module")
def runtime():
    return LiteRTRuntime()


@pytest.fixture(scope="module")
def artifact(runtime, variant, tmp_path_factory):
    return runtime.export(variant, tmp_path_factory.mktemp("litert"))


@pytest.fixture(scope="module", params=[tf.int8, tf.uint8], ids=lambda each: each.name)
def integers(request, variant, digits):
    """A file whose input and output are integers, made by TensorFlow's own converter."""
    converter = tf.lite.TFLiteConverter.from_keras_model(variant.model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[None]] for image in digits.train.images[:99])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = request.param
    with pytest.warns(UserWarning, match="Statistics for quantized inputs"):
        return Variant("integers", flatbuffer=converter.convert())


def test_integer_inputs_and_outputs_are_converted(runtime, integers, variant, digits, tmp_path):
    ours = runtime.load(runtime.export(integers, tmp_path))(digits.test.images)
    keras = variant.model.predict(digits.test.images, verbose=0)
    assert ours.dtype == np.float32
    # A probability is stored in steps of 1/256.
    np.testing.assert_array_equal(ours * 256, np.rint(ours * 256))
    assert np.abs(ours - keras).mean() < 0.01
    assert (ours.argmax(axis=1) == keras.argmax(axis=1)).mean() > 0.97


def test_pixels_outside_the_files_range_are_clipped(runtime, integers, tmp_path):
    predict = runtime.load(runtime.export(integers, tmp_path))
    white = np.ones((1, 28, 28), np.float32)
    np.testing.assert_array_equal(predict(white * 3), predict(white))


@pytest.mark.timing
def test_the_predictor_adds_little_to_the_interpreters_time(runtime, artifact, digits):
    predict = runtime.load(artifact)
    image = digits.test.images[:1]
    interpreter, source, sink = predict._interpreter, predict._source, predict._sink

    def bare():
        interpreter.set_tensor(source, image)
        interpreter.invoke()
        interpreter.get_tensor(sink)

    def fastest_us(call):
        times = []
        for _ in range(500):
            start = time.perf_counter_ns()
            call()
            times.append(time.perf_counter_ns() - start)
        return min(times) / 1000

    # It measured 0.4 µs; a slow machine may take some more.
    assert fastest_us(lambda: predict(image)) - fastest_us(bare) < 10


def test_a_second_export_replaces_the_first_and_leaves_no_other_files(
    runtime, variant, integers, tmp_path
):
    first = runtime.export(variant, tmp_path)
    size = first.size_bytes
    second = runtime.export(Variant("float32", flatbuffer=integers.flatbuffer), tmp_path)
    assert second.path == first.path
    assert second.size_bytes < size / 3
    assert [path.name for path in tmp_path.iterdir()] == ["float32.litert"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"text",
        lambda content: bytes(1000),
        lambda content: content[:1000],
        lambda content: content[:-1000],
    ],
)
def test_a_damaged_artifact_is_refused(runtime, artifact, tmp_path, damage):
    copy = shutil.copytree(artifact.path, tmp_path / "copy")
    file = copy / "model.tflite"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ValueError, match=r"model\.tflite has changed. Export it again"):
        runtime.load(Artifact.at(copy))
    # Nor does one run that has been damaged before it was recorded.
    whole = Variant("damaged", flatbuffer=file.read_bytes())
    with pytest.raises(ValueError, match="is not a LiteRT file"):
        runtime.load(runtime.export(whole, tmp_path))


def test_an_onnx_file_is_refused_with_a_remedy(runtime, tmp_path):
    with pytest.raises(ValueError, match=r"reads Keras and TensorFlow, not ONNX\..*'onnx'"):
        runtime.export(Variant("int8", onnx=b"graph"), tmp_path)


def test_a_model_of_other_inputs_is_refused(runtime, tmp_path):
    from deployworkbook.training.keras2 import keras

    other = keras.Sequential([keras.layers.Dense(3, input_shape=(5,))])
    artifact = runtime.export(Variant("other", other), tmp_path)
    with pytest.raises(ValueError, match="maps images to classes"):
        runtime.load(artifact)


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_are_at_least_one(threads):
    with pytest.raises(ValueError, match="threads"):
        LiteRTRuntime(threads)
