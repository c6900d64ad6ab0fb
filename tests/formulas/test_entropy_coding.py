"""Entropy coding: messages come back, at the length that theory promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployworkbook.formulas.coding import entropy_bytes
from deployworkbook.formulas.entropy_coding import (
    decode,
    encode,
    whole_frequencies,
)

MESSAGES = st.lists(st.integers(0, 3), max_size=40)


@given(MESSAGES, st.lists(st.integers(1, 20), min_size=4, max_size=4))
def test_a_message_comes_back(message, frequencies) -> None:
    number = encode(message, frequencies)
    assert decode(number, len(message), frequencies) == message


def test_by_hand() -> None:
    # From the end: 0 → 0 → 0 → (b) 0 · 4 + 3 = 3 → (a) 1 · 4 + 0 = 4.
    assert encode([0, 1, 0, 0], [3, 1]) == 4
    assert decode(4, 4, [3, 1]) == [0, 1, 0, 0]


@pytest.mark.parametrize("share", [0.5, 0.9, 0.97])
def test_a_message_takes_its_entropy_and_hardly_a_bit_more(share) -> None:
    rng = np.random.default_rng(0)
    message = (rng.random(4000) > share).astype(int)
    counts = np.bincount(message)
    bits = encode(message.tolist(), counts.tolist()).bit_length()
    entropy = 8 * entropy_bytes(message)
    assert entropy - 12 < bits < entropy + 12


def test_the_wrong_frequencies_cost_more() -> None:
    message = [0] * 90 + [1] * 10
    assert encode(message, [1, 1]).bit_length() in (100, 101)  # a bit per symbol
    assert encode(message, [9, 1]).bit_length() < 50  # its entropy is 46.9 bits


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=15))
def test_frequencies_are_positive_and_sum_to_the_total(counts) -> None:
    frequencies = whole_frequencies(counts)
    assert frequencies.sum() == 4096
    assert (frequencies >= 1).all()
    assert frequencies.argmax() == np.argmax(counts)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: whole_frequencies([0.5, 1]), "counts"),
        (lambda: whole_frequencies([-1, 1]), "counts"),
        (lambda: whole_frequencies([1] * 5, total=4), "total"),
        (lambda: encode([2], [1, 1]), "symbol"),
        (lambda: encode([1], [1, 0]), "symbol 1"),
        (lambda: encode([], [0, 0]), "frequencies"),
        (lambda: decode(10**6, 2, [3, 1]), "number"),
        (lambda: decode(-1, 2, [3, 1]), "number"),
    ],
)
def test_what_cannot_be_coded_is_named(call, name) -> None:
    with pytest.raises(ValueError, match=name):
        call()
