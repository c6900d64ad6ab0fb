"""NumPy's arrays as ``TensorProto``, and back, without TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.serving.api.messages import TensorProto
from deployworkbook.validation import describe, message

STRING = "string"

# TensorFlow's number of each type, its name, and the field that carries its values.
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
    17: ("uint16", "int_val"),
    18: ("complex128", "dcomplex_val"),
    19: ("float16", "half_val"),
    22: ("uint32", "uint32_val"),
    23: ("uint64", "uint64_val"),
}
_NUMBERS = {name: number for number, (name, _) in _TYPES.items()}
# REST names types as the enumeration does.
_ENUM_NAMES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16"}


def type_name(number: int) -> str:
    """Name a type of tensors by TensorFlow's number, as NumPy does.

    >>> type_name(1), type_name(7), type_name(14)
    ('float32', 'string', 'type 14')
    """
    return _TYPES[number][0] if number in _TYPES else f"type {number}"


def type_name_of_enum(name: str) -> str:
    """Name a type by the enumeration's name, as NumPy does.

    >>> type_name_of_enum("DT_FLOAT"), type_name_of_enum("DT_INT64")
    ('float32', 'int64')
    """
    return _ENUM_NAMES.get(name, name.removeprefix("DT_").lower())


def as_array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Make an array of a value as TensorFlow would: Python's floats are float32, its ints int32.

    Arrays keep their type: a model that takes float32 refuses float64.

    Args:
        name: The input's, for errors.
        value: An array, a number, a text, bytes, or nested lists of them.

    Raises:
        TypeError: The model could not take such values.
        ValueError: Rows are of unequal length.

    >>> as_array("x", [1.5]).dtype, as_array("x", [1, 2]).dtype
    (dtype('float32'), dtype('int32'))
    """
    try:
        array = np.asarray(value)
    except ValueError:
        expected = "an array, or lists of equal length"
        raise ValueError(message(name, received="rows of unequal length", expected=expected)) from (
            None
        )
    if not isinstance(value, np.ndarray | np.generic):
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        elif array.dtype == np.int64 and (array.size == 0 or np.abs(array).max() < 2**31):
            array = array.astype(np.int32)
    if array.dtype.kind in "SU":
        # Not from the array: NumPy's texts of one length lose zeros at their ends.
        array = np.asarray(value, object)
    is_text = array.dtype == object and all(isinstance(one, str | bytes) for one in array.flat)
    if array.dtype.name not in _NUMBERS and not is_text:
        expected = "numbers, booleans, texts or bytes"
        raise TypeError(message(name, received=describe(value), expected=expected))
    return array


def to_proto(array: NDArray[Any]) -> Any:
    """Write an array, one that :func:`as_array` made, as a ``TensorProto``.

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

    Where values lack, the last is repeated, as the format has it.

    Raises:
        ValueError: It is of a type that NumPy lacks, or its values do not fit its shape.
    """
    if proto.dtype not in _TYPES:
        raise ValueError(
            message(
                "tensor",
                received=f"TensorFlow's {type_name(proto.dtype)}",
                expected="a type that NumPy has",
                remedy="Let the model cast its output, or read the reply with TensorFlow.",
            )
        )
    name, field = _TYPES[proto.dtype]
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, np.dtype(name).newbyteorder("<")).reshape(shape)
    values = getattr(proto, field)
    if name == STRING:
        flat = np.empty(len(values), object)
        flat[:] = list(values)
    elif name == "float16":
        flat = np.array(values, np.uint16).view(np.float16)
    elif name.startswith("complex"):
        flat = np.array(values, f"float{int(name[7:]) // 2}").view(name)
    else:
        flat = np.array(values, name)
    count = int(np.prod(shape, dtype=np.int64))
    if len(flat) < count:
        last = flat[-1:] if len(flat) else np.array([b""], object) if name == STRING else [0]
        flat = np.concatenate([flat, np.resize(np.asarray(last, flat.dtype), count - len(flat))])
    return flat.reshape(shape)
