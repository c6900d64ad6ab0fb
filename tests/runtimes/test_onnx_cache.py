"""A cache of keys and values in int8: the file computes what the formulas say."""

import numpy as np
import pytest

from deployworkbook.runtimes.decoder_graph import decoder_onnx
from deployworkbook.runtimes.onnx_decoder import NumPyDecoder, ONNXDecoder
from deployworkbook.runtimes.openvino_decoder import OpenVINODecoder
from tests.runtimes.small_decoders import GROUPED, SHAPE, weights_of


@pytest.fixture(scope="module", params=[SHAPE, GROUPED], ids=["heads", "grouped heads"])
def decoders(request):
    """The same decoder by ONNX Runtime and by NumPy, both with a cache in 8 bits, and without."""
    weights = weights_of(request.param)
    return (
        ONNXDecoder(decoder_onnx(request.param, weights, int8_cache=True)),
        NumPyDecoder(request.param, weights, cache_bits=8),
        NumPyDecoder(request.param, weights),
    )


@pytest.fixture(scope="module")
def tokens():
    return np.random.default_rng(0).integers(0, SHAPE.vocabulary, (3, 20))


def test_a_file_with_an_int8_cache_computes_what_numpy_does(decoders, tokens):
    onnx, rounded, whole = (decoder(tokens) for decoder in decoders)
    np.testing.assert_allclose(onnx, rounded, rtol=0, atol=1e-4)
    # Rounding changes the logits, by a small part of them.
    assert 1e-3 < np.abs(rounded - whole).max() < 0.02 * np.abs(whole).max()


def test_a_rounded_cache_gives_the_same_step_by_step(decoders, tokens):
    for decoder in decoders[:2]:
        sequence = decoder.start()
        found = [sequence(part) for part in np.split(tokens, [7, 8], axis=1)]
        expected = decoder(tokens)[:, [6, 7, 19]]
        np.testing.assert_allclose(np.stack(found, axis=1), expected, rtol=0, atol=1e-4)


def test_caches_are_counted_with_their_scales(decoders, tokens):
    sequences = [decoder.start() for decoder in decoders]
    assert [each.cache_bytes for each in sequences] == [0, 0, 0]
    for each in sequences:
        each(tokens)
    onnx, rounded, whole = (each.cache_bytes for each in sequences)
    # Heads have 8 numbers: 8 bytes and a scale of 2, for 32 bytes.
    assert onnx == rounded == whole * 10 / 32


def test_openvino_takes_an_int8_cache(tokens):
    weights = weights_of(GROUPED)
    file = decoder_onnx(GROUPED, weights, int8_cache=True)
    theirs, ours = OpenVINODecoder(file).start(), ONNXDecoder(file).start()
    for part in np.split(tokens, [7, 8], axis=1):
        # It rounds scales and codes at other places: a code may differ by one.
        np.testing.assert_allclose(theirs(part), ours(part), rtol=0, atol=0.01)
    assert theirs.cache_bytes == ours.cache_bytes
