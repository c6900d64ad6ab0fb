"""OpenVINO: the precision that is asked for, weights as they are, LiteRT files that it knows."""

import numpy as np
import pytest

from deployworkbook.runtimes.openvino import OpenVINORuntime, bfloat16_obstacle, openvino
from deployworkbook.training.keras2 import keras
from deployworkbook.training.variant import Variant


@pytest.fixture(scope="module")
def own(variant, tmp_path_factory):
    return OpenVINORuntime().export(variant, tmp_path_factory.mktemp("openvino"))


def test_weights_keep_their_32_bits(own, variant):
    sizes = {path.name: path.stat().st_size for path in own.files}
    assert set(sizes) == {"model.xml", "model.bin"}
    assert 0 < sizes["model.bin"] - 4 * variant.model.count_params() < 1000


@pytest.mark.parametrize("threads", [1, 2])
def test_precision_and_threads_are_those_asked_for(own, threads):
    compiled = OpenVINORuntime(threads).load(own)._compiled
    assert compiled.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32
    assert compiled.get_property("INFERENCE_NUM_THREADS") == threads
    assert compiled.get_property("NUM_STREAMS") == 1


def test_bfloat16_is_used_where_the_processor_has_it(variant, tmp_path, digits):
    platform = OpenVINORuntime(precision="bf16")
    exported = platform.export(variant, tmp_path)
    if reason := bfloat16_obstacle():
        with pytest.raises(RuntimeError, match="no bfloat16"):
            platform.load(exported)
        pytest.skip(reason)
    predict = platform.load(exported)
    assert predict._compiled.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.bf16
    keras_own = variant.model.predict(digits.test.images, verbose=0)
    largest = np.abs(predict(digits.test.images) - keras_own).max()
    # Eight bits of a number: far more than float32's order of sums, far less than a wrong answer.
    assert 1e-4 < largest < 0.05


def test_an_unknown_precision_or_number_of_threads_is_refused():
    with pytest.raises(ValueError, match="precision"):
        OpenVINORuntime(precision="f8")
    with pytest.raises(ValueError, match="threads"):
        OpenVINORuntime(0)


def test_other_files_are_refused(own, tmp_path):
    """A record that fits its files says nothing of what they are."""
    from deployworkbook.runtimes.exporting import write_artifact

    for number, content in enumerate((b"", b"text", (own.path / "model.xml").read_bytes()[:900])):
        bad = write_artifact(
            Variant(f"bad-{number}", onnx=b"graph"),
            tmp_path,
            runtime="openvino",
            write=lambda folder, content=content: (folder / "model.xml").write_bytes(content),
        )
        with pytest.raises(ValueError, match=r"not a model of OpenVINO .*Export it again"):
            OpenVINORuntime().load(bad)


def test_a_model_of_other_inputs_is_refused(tmp_path):
    other = keras.Sequential([keras.layers.Dense(3, input_shape=(5,))])
    exported = OpenVINORuntime().export(Variant("other", other), tmp_path)
    with pytest.raises(ValueError, match="inputs and outputs: expected float32 images"):
        OpenVINORuntime().load(exported)
