"""Lanes: the same coding, many numbers at once."""

import numpy as np
import pytest

from deployworkbook.formulas.coded_lanes import LOWEST, TOTAL, LaneDecoder, Step, encode_lanes
from deployworkbook.formulas.coding import entropy_bytes
from deployworkbook.formulas.entropy_coding import whole_frequencies

LANES = 16


@pytest.fixture(scope="module")
def message() -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.choice(5, p=[0.8, 0.1, 0.05, 0.04, 0.01], size=(600, LANES))


@pytest.fixture(scope="module")
def table(message) -> tuple[np.ndarray, np.ndarray]:
    frequencies = whole_frequencies(np.bincount(message.ravel()))
    return np.cumsum(frequencies) - frequencies, frequencies


@pytest.fixture(scope="module")
def carried() -> np.ndarray:
    return np.random.default_rng(2).integers(0, LOWEST, LANES)


def lanes_at(row: int) -> np.ndarray:
    """All lanes in one step, every third in the next."""
    return np.arange(LANES) if row % 2 else np.arange(0, LANES, 3)


@pytest.fixture(scope="module")
def coded(message, table, carried) -> bytes:
    starts, frequencies = table
    rows = [(lanes_at(row), message[row, lanes_at(row)]) for row in range(len(message))]
    return encode_lanes([Step(at, starts[each], frequencies[each]) for at, each in rows], carried)


def decoded(content: bytes, table, rows: int) -> tuple[list[np.ndarray], np.ndarray]:
    starts, frequencies = table
    decoder, found = LaneDecoder(content, LANES), []
    for row in range(rows):
        lanes = lanes_at(row)
        symbols = np.searchsorted(starts, decoder.slots(lanes), side="right") - 1
        decoder.advance(Step(lanes, starts[symbols], frequencies[symbols]))
        found.append(symbols)
    return found, decoder.close()


def test_symbols_and_what_was_carried_come_back(coded, message, table, carried) -> None:
    found, brought = decoded(coded, table, len(message))
    for row, symbols in enumerate(found):
        np.testing.assert_array_equal(symbols, message[row, lanes_at(row)])
    np.testing.assert_array_equal(brought, carried)


def test_the_length_is_the_entropy_and_the_lanes(coded, message) -> None:
    said = np.concatenate([message[row, lanes_at(row)] for row in range(len(message))])
    assert entropy_bytes(said) < len(coded) < entropy_bytes(said) * 1.01 + 4 * LANES


def test_a_certain_symbol_costs_nothing(carried) -> None:
    certain = Step(np.arange(LANES), np.zeros(LANES, int), np.full(LANES, TOTAL))
    assert len(encode_lanes([certain] * 1000, carried)) == 4 * LANES


@pytest.mark.parametrize("cut", [1, 2, 40, 10**6])
def test_a_cut_message_is_refused(coded, table, message, cut) -> None:
    with pytest.raises(ValueError, match="content"):
        decoded(coded[:-cut], table, len(message))


def test_words_too_many_are_refused(coded, table, message) -> None:
    with pytest.raises(ValueError, match="end that does not fit"):
        decoded(coded + b"\0\0", table, len(message))


def test_a_lane_below_its_lowest_is_refused(coded) -> None:
    with pytest.raises(ValueError, match="below"):
        LaneDecoder(b"\0" * len(coded), LANES)


def test_what_cannot_be_coded_is_named(carried) -> None:
    one = np.array([0])
    with pytest.raises(ValueError, match="frequencies"):
        encode_lanes([Step(one, one, np.array([0]))], carried)
    with pytest.raises(ValueError, match="frequencies"):
        encode_lanes([Step(one, np.array([1]), np.array([TOTAL]))], carried)
    with pytest.raises(ValueError, match="carried"):
        encode_lanes([], np.array([LOWEST]))
