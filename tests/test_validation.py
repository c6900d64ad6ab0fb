"""Argument checks and their error messages."""

import numpy as np
import pytest

from deployworkbook import validation


@pytest.mark.parametrize(
    ("check", "error", "words"),
    [
        (lambda: validation.check_integer("bits", 17, 2, 16), ValueError, "from 2 to 16"),
        (lambda: validation.check_integer("bits", 8.0, 2), TypeError, r"8.0 \(float\)"),
        (lambda: validation.check_integer("bits", True, 0), TypeError, "integer of at least 0"),
        (lambda: validation.check_number("rate", float("nan")), ValueError, "finite"),
        (lambda: validation.check_number("rate", 1, 0, 1, open_high=True), ValueError, r"\[0, 1\)"),
        (lambda: validation.check_number("rate", "1"), TypeError, "Received: '1'"),
        (lambda: validation.check_choice("name", "x", ["a", "b"]), ValueError, "'a', 'b'"),
        (lambda: validation.check_array("x", [[1], [1, 2]]), ValueError, "unequal length"),
        (lambda: validation.check_array("x", []), ValueError, "at least one"),
        (lambda: validation.check_array("x", ["a"]), TypeError, "real numbers"),
        (lambda: validation.check_array("x", [np.inf, 1]), ValueError, "1 NaN or infinite"),
        (lambda: validation.check_array("x", [1.0], ndim=2), ValueError, "2 axes"),
        (lambda: validation.check_array("x", np.ones((2, 3)), shape=(4,)), ValueError, r"\(4\)"),
        (lambda: validation.check_labels("y", [0, 10], 10), ValueError, "from 0 to 10"),
        (lambda: validation.check_labels("y", [0.5], 10), TypeError, "whole numbers"),
        (lambda: validation.check_labels("y", [[1]], 10), ValueError, "shape"),
    ],
)
def test_errors_say_what_was_received_and_expected(check, error, words):
    with pytest.raises(error, match=words) as caught:
        check()
    assert "expected" in str(caught.value)
    assert "Received" in str(caught.value)


def test_long_values_are_shortened():
    assert len(validation.describe("x" * 1000)) < 80


def test_valid_values_are_returned():
    assert validation.check_integer("n", np.int64(3), 1) == 3
    assert validation.check_number("x", np.float32(0.5), 0, 1) == 0.5
    assert validation.check_array("x", np.ones((2, 3)), shape=(None, 3)).shape == (2, 3)
    assert validation.check_labels("y", np.array([0, 9], np.uint8), 10).dtype == np.int64


def test_integers_beyond_64_bits_are_checked_like_others():
    with pytest.raises(ValueError, match="share"):
        validation.check_number("share", 10**30, 0, 1)
    assert validation.check_number("atoms", 10**30) == 1e30
