"""Coded networks: small, exact, and careful with what they are given."""

import struct
import tracemalloc
import zlib
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from deployworkbook.compression.coded_file import (
    KEPT_BYTES,
    MAGIC,
    MAX_ROWS,
    VERSION,
    WORKING_BYTES,
    IntegerLayer,
    decode_network,
    encode_network,
    integer_layers,
    load_coded,
)
from deployworkbook.formulas.coding import entropy_bytes
from deployworkbook.runtimes.numpy import NumPyPredictor


def network(*widths: int, share: float = 0.1, seed: int = 0) -> list[IntegerLayer]:
    rng = np.random.default_rng(seed)
    return [
        IntegerLayer(
            (rng.integers(-7, 8, (a, b)) * (rng.random((a, b)) < share)).astype(np.int8),
            np.float32(0.1 * rng.random() + 0.01),
            rng.integers(-32, 33, b).astype(np.int8),
            int(rng.integers(-9, 1)),
        )
        for a, b in pairwise(widths)
    ]


@pytest.fixture(scope="module")
def layers() -> list[IntegerLayer]:
    return network(784, 24, 10)


@pytest.fixture(scope="module")
def content(layers) -> bytes:
    return encode_network(layers)


@pytest.mark.parametrize(
    "widths", [(784, 24, 10), (784, 10), (5, 3), (49, 8, 9, 9, 9, 4), (1, 1), (30, 2, 40, 3)]
)
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_network_comes_back_bit_for_bit(widths, share) -> None:
    layers = network(*widths, share=share)
    for before, after in zip(layers, decode_network(encode_network(layers)), strict=True):
        np.testing.assert_array_equal(before.integers, after.integers)
        np.testing.assert_array_equal(before.bias_integers, after.bias_integers)
        assert (before.step, before.bias_exponent) == (after.step, after.bias_exponent)


def test_predictions_are_those_of_the_network_that_was_encoded(layers, content) -> None:
    images = np.random.default_rng(3).random((20, 28, 28), dtype=np.float32)
    direct = NumPyPredictor([(layer.kernel, layer.bias) for layer in layers])
    np.testing.assert_array_equal(load_coded(content)(images), direct(images))


def test_independent_weights_take_their_entropy(layers, content) -> None:
    limit = sum(entropy_bytes(layer.integers) for layer in layers)
    assert 0.95 * limit < len(content) < 1.15 * limit + 150


def test_weights_that_cluster_take_less_than_the_entropy_of_their_counts() -> None:
    layers = network(784, 24, 10, share=1.0)
    around = np.hypot(*(np.indices((28, 28)) - 14)).reshape(784, 1)
    (first, last) = layers
    clustered = IntegerLayer(np.where(around < 7, first.integers, 0).astype(np.int8), *_rest(first))
    limit = entropy_bytes(clustered.integers)
    assert len(encode_network([clustered, last])) < 0.95 * limit


def test_parameters_on_a_grid_are_taken_as_they_are(layers) -> None:
    parameters = [array for layer in layers for array in (layer.kernel, layer.bias)]
    for before, after in zip(layers, integer_layers(parameters), strict=True):
        np.testing.assert_allclose(before.kernel, after.kernel, rtol=1e-5)
        np.testing.assert_array_equal(before.bias, after.bias)


@pytest.mark.parametrize("place", range(0, 1000, 37))
def test_a_flipped_bit_is_found(content, place) -> None:
    damaged = bytearray(content)
    damaged[place % len(content)] ^= 4
    with pytest.raises(ValueError, match="the coded network"):
        decode_network(bytes(damaged))


@pytest.mark.parametrize("length", [0, 3, 8, 9, 20, 100])
def test_a_cut_file_is_refused(content, length) -> None:
    with pytest.raises(ValueError, match="the coded network"):
        decode_network(content[:length])


def sealed(body: bytes) -> bytes:
    """A body with the checksum that fits, as one who means harm would write it."""
    return struct.pack("<4sBI", MAGIC, VERSION, zlib.crc32(body)) + body


@pytest.mark.parametrize("seed", range(10))
def test_a_wrong_body_under_the_right_checksum_never_raises_another_error(content, seed) -> None:
    rng = np.random.default_rng(seed)
    body = bytearray(content[9:])
    for place in rng.integers(0, 30, 3):
        body[place] = rng.integers(256)
    try:
        decode_network(sealed(bytes(body)))
    except ValueError as error:
        assert "the coded network" in str(error)  # noqa: PT017 - either is fine


def test_a_huge_network_in_a_small_file_is_refused_before_memory_is_taken() -> None:
    body = struct.pack("<BBH", 0, 1, 65535) + struct.pack("<Hfb", 65535, 1.0, 0)
    with pytest.raises(ValueError, match="at most 32,000,000"):
        decode_network(sealed(body))


def test_a_network_of_too_many_rows_is_refused_before_time_is_spent() -> None:
    # Few weights, but in 4 million rows: 40 MB, and many minutes of work.
    widths = [1, *(65_535, 1) * 60]
    body = struct.pack("<BBH", 1, len(widths) - 1, 1)
    body += b"".join(struct.pack("<Hfb", width, 1.0, 0) for width in widths[1:])
    with pytest.raises(ValueError, match=f"at most {MAX_ROWS:,}"):
        decode_network(sealed(body), budget_bytes=10**9)
    with pytest.raises(ValueError, match=f"at most {MAX_ROWS:,}"):
        encode_network(network(*widths[:7]))


def test_another_version_says_what_to_do(content) -> None:
    newer = content[:4] + bytes([VERSION + 1]) + content[5:]
    with pytest.raises(ValueError, match=r"version 1\. Received: version 2\. .*encode it again"):
        decode_network(newer)


def test_what_cannot_be_encoded_is_named() -> None:
    with pytest.raises(ValueError, match="layers"):
        encode_network([])
    with pytest.raises(ValueError, match="weights"):
        encode_network([IntegerLayer(np.full((2, 2), 8, np.int8), *_rest(network(2, 2)[0]))])
    with pytest.raises(ValueError, match="weights"):
        encode_network([IntegerLayer(np.full((2, 2), -128, np.int8), *_rest(network(2, 2)[0]))])
    with pytest.raises(ValueError, match="parameters"):
        integer_layers([np.zeros((2, 2))])


def test_layers_that_would_be_read_back_as_others_are_refused() -> None:
    (first,), (second,) = network(5, 3), network(4, 2)
    with pytest.raises(ValueError, match="layers"):
        encode_network([first, second])
    with pytest.raises(ValueError, match="layers"):
        encode_network([network(2, 2)[0]] * 300)
    with pytest.raises(ValueError, match="bias_integers"):
        encode_network([replace(first, bias_integers=first.bias_integers[:1])])
    with pytest.raises(ValueError, match="bias_exponent"):
        encode_network([replace(first, bias_exponent=200)])
    for step in (np.nan, 0.0, -1.0, 3e38):
        with pytest.raises(ValueError, match="step"):
            encode_network([replace(first, step=np.float32(step))])


@pytest.mark.parametrize(("step", "exponent"), [(3e38, 0), (1.0, 127)])
def test_a_file_of_numbers_beyond_float32_is_damaged(step, exponent) -> None:
    body = struct.pack("<BBH", 0, 1, 2) + struct.pack("<Hfb", 2, step, exponent) + bytes(20)
    with pytest.raises(ValueError, match="fit in float32"):
        decode_network(sealed(body))


def test_decoding_stays_within_the_budget_that_it_promises() -> None:
    content = encode_network(network(9, 20_000))
    tracemalloc.start()
    decode_network(content)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most <= WORKING_BYTES * 9 * 20_000 + KEPT_BYTES * 9 * 20_000 + 1e6


def _rest(layer: IntegerLayer) -> tuple[np.float32, np.ndarray, int]:
    return layer.step, layer.bias_integers, layer.bias_exponent
