"""Convert NumPy arrays to ``TensorProto`` and back, without TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.serving.api.messages import TensorProto
from deployworkbook.validation import check_encodable, describe, type_error, value_error

STRING = "string"

# By TensorFlow's number of a type: NumPy's name for it, and the field that holds its values.
_TYPES = {
    1: ("float32", "float_val"),
    2: ("float64", "double_val"),
    3: ("int32", "int_val"),
    4: ("uint8", "int_val"),
    5: ("int16", "int_val"),
    6: ("int8", "int_val"),
    7: (STRING, "string_val"),
    8: ("complex64", "scomplex_val"),
    9: ("int64", "int64_val"),
    10: ("bool", "bool_val"),
    14: ("bfloat16", "half_val"),
    17: ("uint16", "int_val"),
    18: ("complex128", "dcomplex_val"),
    19: ("float16", "half_val"),
    22: ("uint32", "uint32_val"),
    23: ("uint64", "uint64_val"),
}
# Types that NumPy may not find by name.
_DTYPES = {"bfloat16": np.dtype(ml_dtypes.bfloat16)}
_NUMBERS = {name: number for number, (name, _) in _TYPES.items()}
FIELDS = dict(_TYPES.values())
# How many numbers become Python objects at a time: more would take a hundred times the memory of
# the array, and hold the GIL so long that other requests wait.
PIECE = 16_384
# REST uses the names of TensorFlow's enumeration.
_ENUM_NAMES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16"}


def type_name(number: int) -> str:
    """Return NumPy's name for a type, from TensorFlow's number.

    >>> type_name(1), type_name(7), type_name(14), type_name(20)
    ('float32', 'string', 'bfloat16', 'type 20')
    """
    return _TYPES[number][0] if number in _TYPES else f"type {number}"


def type_name_of_enum(name: str) -> str:
    """Return NumPy's name for a type, from TensorFlow's enumeration.

    >>> type_name_of_enum("DT_FLOAT"), type_name_of_enum("DT_INT64")
    ('float32', 'int64')
    """
    return _ENUM_NAMES.get(name, name.removeprefix("DT_").lower())


def dtype_of(name: str) -> np.dtype[Any]:
    """Return NumPy's type of a name, including bfloat16.

    Raises:
        TypeError: NumPy has no such type.

    >>> dtype_of("int64"), dtype_of("bfloat16")
    (dtype('int64'), dtype(bfloat16))
    """
    return _DTYPES.get(name) or np.dtype(name)


def as_array(name: str, value: ArrayLike, *, narrow: bool = True) -> NDArray[Any]:
    """Convert a value to an array as TensorFlow does: floats become float32, ints int32.

    Numbers that don't fit the narrower type stay float64 or int64; integers are never rounded.
    Arrays keep their type, since a model that takes float32 refuses float64.

    Args:
        name: The input's name, for errors.
        value: An array, a number, a string, bytes, or nested lists of them.
        narrow: Whether Python's numbers become float32 and int32. If not, they stay float64 and
            int64, which suits JSON: it has no types.

    Raises:
        TypeError: No model takes such values.
        ValueError: Rows differ in length, no integer type holds all the numbers, or a string can't
            be encoded as UTF-8.

    >>> as_array("x", [1.5]).dtype, as_array("x", [1, 2]).dtype, as_array("x", [-(2**63)]).dtype
    (dtype('float32'), dtype('int32'), dtype('int64'))
    """
    try:
        array = np.asarray(value)
    except ValueError:
        expected = "an array, or lists of equal length"
        raise value_error(name, received="rows of unequal length", expected=expected) from None
    if not isinstance(value, np.ndarray | np.generic):
        _check_whole_numbers(name, value, array)
        array = _narrowed(array) if narrow else array
    if array.dtype.kind in "SUT":
        # Not from the array: NumPy's fixed-length strings lose trailing zeros.
        array = np.asarray(value, object)
    is_text = array.dtype == object and all(isinstance(one, str | bytes) for one in array.flat)
    if array.dtype.name not in _NUMBERS and not is_text:
        raise type_error(
            name,
            received=describe(value),
            expected="numbers, booleans, texts or bytes",
            remedy=_REMEDIES.get(array.dtype.kind, ""),
        )
    if is_text:
        for one in array.flat:
            check_encodable(name, one, remedy="Send bytes: text.encode('utf-8', 'surrogatepass').")
    return array


_DATES = "TensorFlow has no dates. Send whole numbers: {}.astype('int64'), where NaT is -2**63."
_REMEDIES = {
    "M": _DATES.format("x.astype('datetime64[s]')"),
    "m": _DATES.format("x.astype('timedelta64[s]')"),
    "O": "Whole numbers must lie in -2**63 … 2**63 - 1, or 0 … 2**64 - 1.",
}


def _check_whole_numbers(name: str, value: Any, array: NDArray[Any]) -> None:
    """Refuse integers that NumPy could only store as float64, which rounds them."""
    if array.dtype != np.float64 or not array.size or not (array == np.rint(array)).all():
        return
    if all(isinstance(one, Integral) for one in np.asarray(value, object).flat):
        raise value_error(
            name,
            received=describe(value),
            expected="whole numbers in -2**63 … 2**63 - 1, or in 0 … 2**64 - 1",
            remedy="No type holds these together without rounding.",
        )


def _narrowed(array: NDArray[Any]) -> NDArray[Any]:
    """Narrow float64 to float32 and int64 to int32, unless a value would not fit."""
    if array.dtype == np.float64:
        limit = np.finfo(np.float32).max
        fits = not (np.isfinite(array) & (np.abs(array) > limit)).any()
        return array.astype(np.float32) if fits else array
    if array.dtype == np.int64:
        # Without np.abs: the absolute value of the smallest integer overflows.
        info = np.iinfo(np.int32)
        fits = not array.size or (array.min() >= info.min and array.max() <= info.max)
        return array.astype(np.int32) if fits else array
    return array


def to_proto(array: NDArray[Any]) -> Any:
    """Write an array from ``as_array`` as a ``TensorProto``.

    >>> import numpy as np
    >>> to_array(to_proto(np.array([[1.5, 2.5]], np.float32)))
    array([[1.5, 2.5]], dtype=float32)
    """
    proto = TensorProto()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if array.dtype == object:
        proto.dtype = _NUMBERS[STRING]
        proto.string_val.extend(
            one.encode() if isinstance(one, str) else one for one in array.ravel()
        )
        return proto
    proto.dtype = _NUMBERS[array.dtype.name]
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    proto.tensor_content = little.tobytes()
    return proto


def to_array(proto: Any) -> NDArray[Any]:
    """Read a ``TensorProto``, from its content or its typed fields; strings become ``bytes``.

    If values are missing, the last one is repeated, as the format prescribes.

    Raises:
        ValueError: NumPy has no such type, or the values don't fit the shape.
    """
    if proto.dtype not in _TYPES:
        raise value_error(
            "tensor",
            received=f"TensorFlow's {type_name(proto.dtype)}",
            expected="a type that NumPy has",
            remedy="Let the model cast its output, or read the reply with TensorFlow.",
        )
    name = type_name(proto.dtype)
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, dtype_of(name).newbyteorder("<")).reshape(shape)
    count = math.prod(shape)
    if name == STRING:
        return strings(proto.string_val, count).reshape(shape)
    return repeated(numbers(proto, name), count).reshape(shape)


def numbers(proto: Any, name: str) -> NDArray[Any]:
    """Read the typed field of a ``TensorProto`` of numbers.

    Args:
        proto: The tensor.
        name: The name of its type.
    """
    values, dtype = getattr(proto, FIELDS[name]), dtype_of(name)
    if FIELDS[name] == "half_val":
        return _in_pieces(values, np.int32).astype(np.uint16).view(dtype)
    if dtype.kind == "c":
        parts = _in_pieces(values, f"f{dtype.itemsize // 2}")
        return parts[: len(parts) // 2 * 2].view(dtype)
    return _in_pieces(values, np.int32 if FIELDS[name] == "int_val" else dtype).astype(
        dtype, copy=False
    )


def strings(values: Sequence[bytes], count: int) -> NDArray[Any]:
    """Make an array of strings; where there are fewer than ``count``, repeat the last."""
    return repeated(object_array(values if values or not count else [b""]), count)


def object_array(values: Sequence[Any]) -> NDArray[Any]:
    r"""Make an array of Python objects, shape ``[n]``, such as ``bytes`` with zeros at their end.

    >>> object_array([b"a", b"bc\0"])
    array([b'a', b'bc\x00'], dtype=object)
    """
    array = np.empty(len(values), object)
    array[:] = list(values)
    return array


def repeated(values: NDArray[Any], count: int) -> NDArray[Any]:
    """Repeat the last value until there are ``count``; without any, all are zero."""
    if len(values) >= count:
        return values
    if len(values) == 0:
        return np.zeros(count, values.dtype)
    more = np.full(count - len(values), values[-1], values.dtype)
    return np.concatenate([values, more])


def _in_pieces(values: Any, dtype: Any) -> NDArray[Any]:
    array = np.empty(len(values), dtype)
    for start in range(0, len(array), PIECE):
        array[start : start + PIECE] = values[start : start + PIECE]
    return array
