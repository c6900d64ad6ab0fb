"""Convert tensors between protobuf and NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.serving.api.arrays import (
    FIELDS,
    PIECE,
    STRING,
    dtype_of,
    numbers,
    repeated,
    strings,
)
from deployworkbook.serving.embedded.budget import Account
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from deployworkbook.serving.embedded.protos import TensorProto, type_name, type_number

MOST_AXES = 32
# TensorFlow counts elements and bytes in 63 bits.
_LARGEST_COUNT = 2**63 - 1
# Per string of a tensor: NumPy's pointer, TensorFlow's record, and the headers of both copies.
STRING_BYTES = 96
# By TensorFlow's number: NumPy's name and type.
_DTYPES = {
    type_number(dtype): (name, dtype)
    for name in FIELDS
    for dtype in [np.dtype(object) if name == STRING else dtype_of(name)]
}
# Packed fields of these types are the array's bytes; the tag is the field and wire type.
_PACKED_TAGS = {"float32": b"\x2a", "float64": b"\x32"}


def data_type_of(array: NDArray[Any]) -> int:
    """Return TensorFlow's number for an array's type; objects are strings."""
    return type_number(array.dtype)


def bytes_of(array: NDArray[Any]) -> int:
    """Count the bytes of an array, including those of its strings.

    >>> bytes_of(np.zeros((2, 3), np.float32)), bytes_of(np.array([b"abc"], object))
    (24, 99)
    """
    if array.dtype != object:
        return array.nbytes
    return STRING_BYTES * array.size + sum(map(len, array.ravel().tolist()))


def to_array(proto: Any, name: str, account: Account) -> NDArray[Any]:
    """Read a ``TensorProto``, from its content or from its typed fields.

    If values are missing, the last one is repeated; without any, all are zero or empty; extra ones
    are ignored. So a few bytes can ask for a tensor of any size, and memory is reserved first.

    Args:
        proto: The tensor.
        name: The input's name in the graph, for errors.
        account: The request's memory.

    Raises:
        ServingError: The type or shape can't be read, or the tensor takes too much memory.
    """
    kind, dtype = _DTYPES.get(proto.dtype, ("", None))
    shape = tuple([axis.size for axis in proto.tensor_shape.dim])
    if dtype is None or proto.tensor_shape.unknown_rank or not _is_a_shape(shape, dtype.itemsize):
        raise _unreadable(name)
    count = math.prod(shape)
    content = proto.tensor_content
    if content and len(content) == count * dtype.itemsize and kind != STRING:
        # Twice, because the graph may copy it. The array itself is a view of the message's bytes.
        account.reserve(2 * len(content), f"the input {name} of shape {list(shape)}")
        return np.frombuffer(content, dtype).reshape(shape)
    # An empty axis must not hide that others are far too large.
    elements = math.prod(max(size, 1) for size in shape)
    if kind == STRING:
        size_bytes = STRING_BYTES * elements + _characters(proto, count)
    else:
        size_bytes = dtype.itemsize * elements
    # Twice, because the graph may copy it.
    account.reserve(2 * size_bytes, f"the input {name} of shape {list(shape)}")
    if kind == STRING:
        return _strings(proto, count, name).reshape(shape)
    if content:
        raise _unreadable(name)
    # Values beyond the shape are ignored.
    return repeated(numbers(proto, kind), count)[:count].reshape(shape)


def to_proto(array: NDArray[Any]) -> Any:
    """Write an array into the typed fields of a ``TensorProto``, as the server answers.

    >>> to_proto(np.array([1.5, 2], np.float32)).float_val
    [1.5, 2.0]
    """
    proto = TensorProto()
    fill_proto(proto, array)
    return proto


def fill_proto(proto: Any, array: NDArray[Any]) -> None:
    """Write an array into an empty ``TensorProto``.

    Raises:
        ServingError: The API has no field for the type.
    """
    data_type = type_number(array.dtype)
    name, dtype = _DTYPES.get(data_type, ("", None))
    if dtype is None:
        raise ServingError(Code.UNIMPLEMENTED, f"Tensors of type {type_name(data_type)} in answers")
    field = FIELDS[name]
    proto.dtype = data_type
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    tag = _PACKED_TAGS.get(name)
    if tag and array.size > 32:
        content = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        proto.MergeFromString(tag + _varint(len(content)) + content)
        return
    if field == "half_val":
        array = array.view(np.uint16)
    elif dtype.kind == "c":
        array = np.ascontiguousarray(array).view(f"f{dtype.itemsize // 2}")
    target, flat = getattr(proto, field), array.ravel()
    for start in range(0, flat.size, PIECE):
        target.extend(flat[start : start + PIECE].tolist())


def _is_a_shape(shape: tuple[int, ...], item_bytes: int) -> bool:
    if len(shape) > MOST_AXES or min(shape, default=0) < 0:
        return False
    elements = math.prod([size or 1 for size in shape])
    return elements * max(item_bytes, 1) <= _LARGEST_COUNT


def _characters(proto: Any, count: int) -> int:
    """Count the bytes of a tensor of strings, including repetitions of the last one."""
    values = proto.string_val
    if proto.tensor_content or not values:
        return len(proto.tensor_content)
    return sum(map(len, values)) + len(values[-1]) * max(0, count - len(values))


def _strings(proto: Any, count: int, name: str) -> NDArray[Any]:
    values = list(proto.string_val)
    if proto.tensor_content:
        values = _string_list(proto.tensor_content, count, name)
    return strings(values, count)[:count]


def _string_list(content: bytes, count: int, name: str) -> list[bytes]:
    """Read ``count`` lengths, each a varint, and then the strings themselves."""
    lengths, position = [], 0
    try:
        for _ in range(count):
            length, shift = 0, 0
            while True:
                byte = content[position]
                position += 1
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
                # A varint has at most ten bytes; a longer one would take time without end.
                if shift > 63:
                    raise _unreadable(name)
            lengths.append(length)
    except IndexError:
        raise _unreadable(name) from None
    if position + sum(lengths) != len(content):
        raise _unreadable(name)
    values = []
    for length in lengths:
        values.append(content[position : position + length])
        position += length
    return values


def _varint(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def _unreadable(name: str) -> ServingError:
    return invalid(f"tensor parsing error: {name}")
