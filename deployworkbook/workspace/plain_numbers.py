"""Numbers and arrays as plain data, for JSON: a shape, and the values row by row."""

from __future__ import annotations

import math
import numbers
from decimal import Decimal
from typing import Any

import numpy as np

LONGEST_AXIS = 1_000_000

# What can't be written as a number in JSON.
NOT_FINITE = ("nan", "inf", "-inf")


def of_numbers(value: Any) -> dict[str, Any]:
    """Return a number or array as data: its shape, and its values row by row.

    Args:
        value: Numbers of any shape.

    >>> of_numbers(3)
    {'shape': [], 'values': [3.0]}
    """
    array = np.asarray(value, dtype=np.float64)
    values = [each if math.isfinite(each) else str(each) for each in array.ravel().tolist()]
    return {"shape": list(array.shape), "values": values}


def numbers_from(entry: dict[str, Any]) -> Any:
    """Return the array that ``of_numbers`` wrote.

    Args:
        entry: A shape and its values.

    Raises:
        ValueError: It is something else, or too large.

    >>> numbers_from({"shape": [2], "values": [0.5, "inf"]})
    array([0.5, inf])
    """
    shape, values = entry.get("shape"), entry.get("values")
    if not isinstance(shape, list) or not isinstance(values, list) or len(shape) > 8:
        raise ValueError("a shape and values were expected")
    if any(type(each) is not int or not 0 <= each <= LONGEST_AXIS for each in shape):
        raise ValueError("a shape has whole numbers that its values fill")
    if math.prod(shape) != len(values):
        raise ValueError("a shape has whole numbers that its values fill")
    return np.array([_float(each) for each in values], dtype=np.float64).reshape(shape)


def _float(value: Any) -> float:
    if type(value) not in (int, float) and value not in NOT_FINITE:
        raise ValueError("a value is no number")
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError("a number is too large") from error


def real_array(value: Any) -> Any:
    """Return real numbers of any type as an array of float64.

    Args:
        value: A number, or numbers of any shape; Python's whole numbers, fractions and decimals
            may be of any size.

    Raises:
        TypeError: It is none of these.
        ValueError: Its rows have different lengths.
        OverflowError: A number is too large for float64.

    >>> real_array([1, 2.5])
    array([1. , 2.5])
    """
    array = np.asarray(value)
    # Python integers beyond int64, fractions and decimals have the dtype object.
    is_real = array.dtype.kind in "biuf" or (
        array.dtype.kind == "O"
        and all(isinstance(each, numbers.Real | Decimal | np.ndarray) for each in array.flat)
    )
    if not is_real:
        raise TypeError(f"these are no real numbers: {array.dtype}")
    return np.asarray(array, dtype=np.float64)
