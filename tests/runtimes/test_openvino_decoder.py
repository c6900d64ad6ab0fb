"""OpenVINO runs the decoder's ONNX file: logits, cache, and forms of few bits."""

import numpy as np
import pytest

from deployworkbook.compression.decoder_blocks import random_blocks
from deployworkbook.formulas.block_quantization import dequantize_blocks
from deployworkbook.formulas.transformer import random_weights
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.runtimes import registry
from deployworkbook.runtimes.base import UnavailableError
from deployworkbook.runtimes.decoder_graph import decoder_onnx
from deployworkbook.runtimes.onnx_decoder import NumPyDecoder, ONNXDecoder
from deployworkbook.runtimes.registry import open_decoder

SHAPE = TransformerShape(
    layers=2,
    width=32,
    heads=4,
    kv_heads=2,
    hidden=64,
    vocabulary=48,
    context=24,
    family="gpt2",
)


@pytest.fixture(scope="module")
def weights():
    # Larger than before training, so that attention matters.
    return {name: 4 * value for name, value in random_weights(SHAPE).items()}


def written(decoder, tokens):
    """Return the logits after a prompt of 7 tokens, 1 token, and 4."""
    sequence = decoder.start()
    found = [sequence(part) for part in np.split(tokens, [7, 8], axis=1)]
    return np.stack(found), sequence


@pytest.fixture(scope="module")
def tokens():
    return np.random.default_rng(0).integers(0, SHAPE.vocabulary, (3, 12))


def test_logits_and_cache_are_those_of_numpy(weights, tokens):
    found, sequence = written(open_decoder("openvino", decoder_onnx(SHAPE, weights)), tokens)
    expected, _ = written(NumPyDecoder(SHAPE, weights), tokens)
    assert np.abs(expected).max() > 1
    # float32 sums in another order.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    assert sequence.positions == 12
    # 2 layers, keys and values of 16 numbers of 4 bytes, for 3 sequences of 12 tokens.
    assert sequence.cache_bytes == 2 * 2 * 16 * 4 * 3 * 12


def test_two_sequences_dont_disturb_each_other(weights, tokens):
    decoder = open_decoder("openvino", decoder_onnx(SHAPE, weights))
    first, second = decoder.start(), decoder.start()
    first(tokens[:, :5])
    second(tokens[:1, 9:12])
    whole = decoder.start()(tokens[:, :6])
    np.testing.assert_allclose(first(tokens[:, 5:6]), whole, rtol=0, atol=1e-4)


def test_blocks_of_4_bits_give_the_logits_of_the_rounded_weights(weights, tokens):
    blocks = random_blocks(SHAPE, bits=4)
    found, _ = written(
        open_decoder("openvino", decoder_onnx(SHAPE, weights, blocks=blocks)), tokens
    )
    rounded = {name: dequantize_blocks(each).astype(np.float32) for name, each in blocks.items()}
    expected, _ = written(NumPyDecoder(SHAPE, weights | rounded), tokens)
    # Unlike ONNX Runtime, it doesn't round the inputs.
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()


def test_int8_is_that_of_onnx_runtime(weights, tokens):
    file = decoder_onnx(SHAPE, weights, dynamic_int8=True)
    found, _ = written(open_decoder("openvino", file), tokens)
    expected, _ = written(open_decoder("onnx", file), tokens)
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


def test_a_file_of_something_else_is_refused():
    with pytest.raises(ValueError, match="not an ONNX file"):
        open_decoder("openvino", b"something else")


def test_an_unknown_runtime_lists_those_that_run_decoders():
    with pytest.raises(ValueError, match="onnx"):
        open_decoder("litert", b"")


def test_a_missing_runtime_names_its_package(monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match="pip install openvino"):
        open_decoder("openvino", b"")


def test_the_registry_opens_onnx_runtime_by_its_name(weights):
    assert isinstance(open_decoder("onnx", decoder_onnx(SHAPE, weights)), ONNXDecoder)
