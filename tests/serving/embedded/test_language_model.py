"""A language model behind the API, like any other model: its logits, and what it refuses."""

import grpc
import numpy as np
import pytest

from deployworkbook.formulas.transformer import forward, random_weights
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.serving.embedded.protos import predict_pb2, tf
from deployworkbook.training.decoder_saved import write_decoder
from deployworkbook.training.graph_check import check_graph

SHAPE = TransformerShape(
    layers=2, width=16, heads=2, kv_heads=2, hidden=32, vocabulary=300, context=12, family="gpt2"
)
WEIGHTS = random_weights(SHAPE, seed=1)
TEXTS = [(1, 1), (1, 12), (3, 5), (2, 12)]


@pytest.fixture(scope="module")
def served(start, tmp_path_factory):
    """A server of a small decoder with random weights."""
    base = tmp_path_factory.mktemp("writer")
    write_decoder(SHAPE, WEIGHTS, base / "1")
    return start(model_name="writer", model_base_path=base)


def request_of(tokens):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "writer"
    request.inputs["tokens"].CopyFrom(tf.make_tensor_proto(np.asarray(tokens, np.int32)))
    return request


@pytest.mark.parametrize("size", TEXTS)
def test_both_protocols_give_numpys_logits_for_any_length(served, size):
    tokens = np.random.default_rng(0).integers(0, SHAPE.vocabulary, size)
    expected = np.asarray(forward(SHAPE, WEIGHTS, tokens).logits)[:, -1]
    assert np.abs(expected).max() > 0.1
    answer = served.predict(request_of(tokens)).outputs["logits"]
    np.testing.assert_allclose(tf.make_ndarray(answer), expected, rtol=0, atol=1e-4)
    body = served.post("writer:predict", {"inputs": {"tokens": tokens.tolist()}}).json()
    np.testing.assert_allclose(body["outputs"], expected, rtol=0, atol=1e-4)
    body = served.post("writer:predict", {"instances": tokens.tolist()}).json()
    np.testing.assert_allclose(body["predictions"], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ([[0, 300]], "expected whole numbers from 0 to 299; smallest and largest received"),
        ([[-1]], "expected whole numbers from 0 to 299; smallest and largest received"),
        ([[]], "expected 1 to 12 in a text; received"),
        ([[0] * 13], "expected 1 to 12 in a text; received"),
    ],
)
def test_texts_that_it_cant_read_are_refused(served, tokens, words):
    with pytest.raises(grpc.RpcError) as caught:
        served.predict(request_of(tokens))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert words in caught.value.details()
    answer = served.post("writer:predict", {"inputs": {"tokens": tokens}})
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_its_graph_only_computes(served):
    check_graph(served.options.model_base_path / "1")
