"""Convert JSON values to arrays, with TensorFlow Serving's errors."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.serving.api.arrays import object_array
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from deployworkbook.serving.embedded.json_numbers import Numbers, dense_shape, flattened, plain
from deployworkbook.serving.embedded.json_text import decode_base64, quote, type_error

Array = NDArray[Any]

# By TensorFlow's type name: the array's type and, for integers, the range accepted in JSON.
_INTEGERS = {
    "int8": (np.int8, -(2**31), 2**31 - 1),
    "int16": (np.int16, -(2**31), 2**31 - 1),
    "int32": (np.int32, -(2**31), 2**31 - 1),
    "uint8": (np.uint8, -(2**31), 2**31 - 1),
    "int64": (np.int64, -(2**63), 2**63 - 1),
    "uint32": (np.uint32, 0, 2**32 - 1),
    "uint64": (np.uint64, 0, 2**64 - 1),
}
_FLOATS: dict[str, Any] = {"float": np.float32, "double": np.float64}
_PACKED: dict[str, Any] = {"float": ("f", np.float32), "double": ("d", np.float64)}


def to_array(value: Any, type_name: str, *, booleans: bool = True) -> Array:
    """Convert a JSON value, a list of any depth or a single value, to an array.

    Args:
        value: The value.
        type_name: TensorFlow's name for its type.
        booleans: Whether it may hold booleans, which would have to be refused among numbers.

    Raises:
        ServingError: The lists differ in length, or a value is of the wrong type.

    >>> to_array([[1, 2.5]], "float")
    array([[1. , 2.5]], dtype=float32)
    """
    quick = quick_array(value, type_name, booleans=booleans)
    if quick is not None:
        return quick
    value = plain(value)
    shape = _check_depth(dense_shape(value))
    values: list[Any] = []
    _fill(value, 0, shape, type_name, values)
    if type_name == "string":
        return object_array(values).reshape(shape)
    return _converted(values, type_name).reshape(shape)


def quick_array(value: Any, type_name: str, *, booleans: bool = True) -> Array | None:
    """Convert a valid value without checking each element; return ``None`` if it isn't valid.

    >>> quick_array([[1, 2], [3]], "int32") is None
    True
    """
    if isinstance(value, Numbers):
        return _of_numbers(value.array, type_name)
    found = flattened(value)
    if found is None:
        return None
    shape, flat = found
    _check_depth(shape)
    if type_name in _FLOATS and not booleans:
        packed = _of_floats(flat, shape, type_name)
        if packed is not None:
            return packed
    kinds = set(map(type, flat))
    if type_name in _FLOATS:
        return _narrowed(flat, type_name).reshape(shape) if kinds <= {int, float} else None
    if type_name in _INTEGERS:
        _, low, high = _INTEGERS[type_name]
        if not kinds <= {int} or (flat and not (low <= min(flat) and max(flat) <= high)):
            return None
        return _converted(flat, type_name).reshape(shape)
    if type_name == "bool" and kinds <= {bool}:
        return np.array(flat, np.bool_).reshape(shape)
    if type_name == "string" and kinds <= {str}:
        return object_array([text.encode() for text in flat]).reshape(shape)
    return None


def _of_floats(flat: list[Any], shape: tuple[int, ...], type_name: str) -> Array | None:
    """Convert numbers; return ``None`` if others are among them, or numbers beyond the type.

    ``struct`` refuses all else but booleans, and takes a third of the time that NumPy does.
    """
    letter, dtype = _PACKED[type_name]
    try:
        packed = struct.pack(f"{len(flat)}{letter}", *flat)
    except (struct.error, OverflowError):
        return None
    return np.frombuffer(packed, dtype).reshape(shape)


def _of_numbers(array: Array, type_name: str) -> Array | None:
    if type_name in _FLOATS:
        return _narrowed(array, type_name)
    if type_name not in _INTEGERS or array.dtype.kind == "f":
        return None
    _, low, high = _INTEGERS[type_name]
    if array.size and not (low <= array.min() and array.max() <= high):
        return None
    return _converted(array, type_name)


def _narrowed(values: list[Any] | Array, type_name: str) -> Array:
    """Narrow numbers as C++ does: to a double, then to the type; beyond its range is infinity."""
    try:
        with np.errstate(over="ignore"):
            return np.array(values, np.float64).astype(_FLOATS[type_name], copy=False)
    except OverflowError as error:
        raise invalid("JSON Parse error: Number too big to be stored in double.") from error


def _converted(values: list[Any] | Array, type_name: str) -> Array:
    if type_name in _INTEGERS:
        dtype, low, _ = _INTEGERS[type_name]
        wide = np.uint64 if low == 0 else np.int64
        return np.array(values, wide).astype(
            dtype
        )  # int8 and the like wrap, as in TensorFlow Serving
    return np.array(values, np.bool_) if type_name == "bool" else _narrowed(values, type_name)


def _check_depth(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) > 32:
        raise invalid(f"Encountered list at unexpected level: {len(shape) - 1} expected < 32")
    return shape


def _fill(
    value: Any, level: int, shape: tuple[int, ...], type_name: str, values: list[Any]
) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"JSON Value: {quote(value)} found at incorrect level: {level + 1} in the JSON "
                f"DOM. Expected at level: {len(shape)}"
            )
        values.append(_value(value, type_name))
        return
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    for part in value:
        _fill(part, level + 1, shape, type_name, values)


def _value(value: Any, type_name: str) -> Any:
    if type_name == "string" and isinstance(value, dict):
        return decode_base64(value)
    if type_name in _FLOATS:
        fits = type(value) in (int, float)
    elif type_name in _INTEGERS:
        _, low, high = _INTEGERS[type_name]
        fits = type(value) is int and low <= value <= high
    elif type_name in ("bool", "string"):
        fits = isinstance(value, bool if type_name == "bool" else str)
    elif isinstance(value, dict):
        fits = False
    else:
        raise ServingError(
            Code.UNIMPLEMENTED, f"Conversion of JSON Value: {quote(value)} to type: {type_name}"
        )
    if not fits:
        raise type_error(value, type_name)
    return value.encode() if type_name == "string" else value
