"""ONNX Runtime: checked graphs, pinned threads, clear errors."""

import threading

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from deployworkbook.runtimes.onnx import ONNXPredictor, ONNXRuntime
from deployworkbook.training.keras2 import keras, set_seed
from deployworkbook.training.models import cnn, mlp
from deployworkbook.training.onnx_file import OPSET, to_onnx
from deployworkbook.training.variant import Variant


@pytest.fixture(scope="module")
def content(variant):
    return to_onnx(variant.model)


def graph(shape, kind=TensorProto.FLOAT, outputs=1):
    """An ONNX file that hands its input on."""
    names = [f"y{number}" for number in range(outputs)]
    nodes = [helper.make_node("Identity", ["x"], [name]) for name in names]
    ends = [helper.make_tensor_value_info(name, kind, shape) for name in names]
    source = helper.make_tensor_value_info("x", kind, shape)
    opset = [helper.make_opsetid("", OPSET)]
    made = helper.make_graph(nodes, "graph", [source], ends)
    return helper.make_model(made, opset_imports=opset, ir_version=8).SerializeToString()


def test_the_file_describes_inputs_and_outputs(content):
    read = onnx.load_from_string(content)
    onnx.checker.check_model(read, full_check=True)
    assert [(each.domain, each.version) for each in read.opset_import if not each.domain] == [
        ("", OPSET)
    ]
    ends = {}
    for end in (*read.graph.input, *read.graph.output):
        sizes = end.type.tensor_type.shape.dim
        ends[end.name] = [size.dim_param or size.dim_value for size in sizes]
    assert ends == {"images": ["n", 28, 28], "probabilities": ["n", 10]}


def test_the_files_size_is_that_of_its_weights(content, variant):
    assert 0 < len(content) - 4 * variant.model.count_params() < 2000


@pytest.mark.parametrize("build", [mlp, cnn])
def test_equal_models_give_equal_bytes_that_predict_the_same(digits, build):
    set_seed(0)
    model = build()
    content = to_onnx(model)
    assert to_onnx(model) == content
    ours = ONNXPredictor(content)(digits.test.images)
    # The same float32 sums in another order.
    np.testing.assert_allclose(ours, model.predict(digits.test.images, verbose=0), atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_pinned(content, threads):
    session = ONNXPredictor(content, threads=threads)._session
    options = session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (threads, 1)
    assert session.get_providers() == ["CPUExecutionProvider"]


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_are_at_least_one(threads):
    with pytest.raises(ValueError, match="threads"):
        ONNXRuntime(threads)


def test_several_threads_may_predict_at_once(content, digits):
    predict = ONNXPredictor(content)
    images = digits.test.images[:64]
    whole = predict(images)
    results = [None] * 8

    def work(place):
        results[place] = [predict(images[place : place + 8]) for _ in range(100)][-1]

    workers = [threading.Thread(target=work, args=(place,)) for place in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for place, result in enumerate(results):
        np.testing.assert_allclose(result, whole[place : place + 8], atol=1e-6)


@pytest.mark.parametrize(
    "damage", [lambda c: b"", lambda c: b"text", lambda c: bytes(999), lambda c: c[:99_999]]
)
def test_other_files_are_refused(content, tmp_path, capfd, damage):
    exported = ONNXRuntime().export(Variant("bad", onnx=damage(content)), tmp_path)
    with pytest.raises(ValueError, match="Export it again"):
        ONNXRuntime().load(exported)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content",
    [
        graph(["n", 784]),
        graph(["n", 28, 28]),
        graph(["n", 28, 28], TensorProto.DOUBLE),
        graph(["n", 28, 28], outputs=2),
    ],
    ids=["flat", "images out", "float64", "two outputs"],
)
def test_a_graph_of_other_inputs_or_outputs_is_refused(content):
    with pytest.raises(ValueError, match="inputs and outputs: expected float32 images"):
        ONNXPredictor(content)


def test_a_keras_model_of_other_inputs_is_refused_on_loading(tmp_path):
    other = keras.Sequential([keras.layers.Dense(3, input_shape=(5,))])
    with pytest.raises(ValueError, match="inputs and outputs"):
        ONNXRuntime().load(ONNXRuntime().export(Variant("other", other), tmp_path))


def test_a_litert_file_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(ValueError, match=r"reads no LiteRT files\. Run it with the runtime 'lite"):
        ONNXRuntime().export(Variant("int8", flatbuffer=b"TFL3"), tmp_path)
