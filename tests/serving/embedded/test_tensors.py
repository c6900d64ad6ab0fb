"""Tensors there and back at the limits of shapes, lengths and types, without a server."""

import ml_dtypes
import numpy as np
import pytest

from deployworkbook.serving.api.arrays import PIECE
from deployworkbook.serving.embedded.budget import MemoryBudget
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.protos import TensorProto, tf
from deployworkbook.serving.embedded.tensors import bytes_of, data_type_of, to_array, to_proto
from deployworkbook.serving.embedded.wire import SMALL_BYTES, WORST_EXPANSION, parsed_bytes


@pytest.fixture
def account():
    with MemoryBudget(request_bytes=2**40, in_flight_bytes=2**40).account() as opened:
        yield opened


def tensor(dtype, shape, **values):
    proto = TensorProto(dtype=tf.as_dtype(dtype).as_datatype_enum, **values)
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    return proto


def varint(number):
    """As protobuf and TensorFlow write it: seven bits a byte, the lowest first."""
    written = []
    while number >= 128:
        written.append(number % 128 + 128)
        number //= 128
    return bytes([*written, number])


@pytest.mark.parametrize("lengths", [[0], [127, 128], [1, 16383, 16384, 0], [300] * 3, []])
def test_strings_of_any_length_in_a_tensors_content(lengths, account):
    values = [bytes([65 + place]) * length for place, length in enumerate(lengths)]
    content = b"".join(map(varint, lengths)) + b"".join(values)
    found = to_array(tensor("string", [len(values)], tensor_content=content), "x", account)
    assert found.tolist() == values
    for wrong in (content + b"a", content[:-1]):
        if wrong and values:
            with pytest.raises(ServingError, match="tensor parsing error: x"):
                to_array(tensor("string", [len(values)], tensor_content=wrong), "x", account)


@pytest.mark.parametrize(
    ("shape", "good"),
    [
        ([1] * 32, True),
        ([1] * 33, False),
        ([0], True),
        ([-1], False),
        ([2, -1], False),
        ([0, 2**61 - 1], True),  # four bytes each: below 2**63
        ([0, 2**61], False),
    ],
)
def test_shapes_have_at_most_32_axes_and_63_bits(shape, good):
    budget = MemoryBudget(request_bytes=2**70, in_flight_bytes=2**70)
    proto = tensor("float32", shape, float_val=[5])
    if good:
        found = to_array(proto, "x", budget.account())
        assert (found.shape, found.dtype) == (tuple(shape), np.float32)
    else:
        with pytest.raises(ServingError, match="tensor parsing error: x") as refused:
            to_array(proto, "x", budget.account())
        assert refused.value.code == Code.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("proto", "size_bytes"),
    [
        (tensor("float32", [3, 4]), 2 * 4 * 12),
        (tensor("float32", [0, 5]), 2 * 4 * 5),
        (tensor("int8", [7]), 2 * 7),
        (tensor("string", [3], string_val=[b"ab", b"c"]), 2 * (3 * 96 + 2 + 1 + 1)),
        (tensor("string", [1], string_val=[b"ab", b"c"]), 2 * (96 + 3)),
        (tensor("string", [2], tensor_content=b"\1\2abb"), 2 * (2 * 96 + 5)),
        (tensor("string", [2]), 2 * 2 * 96),
    ],
)
def test_what_a_tensor_takes_is_reserved_twice(proto, size_bytes, account):
    to_array(proto, "x", account)
    assert account.held_bytes == size_bytes


def test_content_of_another_length_is_refused(account):
    assert to_array(tensor("int16", [2], tensor_content=b"\1\0\2\0"), "x", account).tolist() == [
        1,
        2,
    ]
    for content in (b"\1\0\2", b"\1\0\2\0\3", b"\1\0"):
        with pytest.raises(ServingError, match="tensor parsing error: x"):
            to_array(tensor("int16", [2], tensor_content=content), "x", account)


@pytest.mark.parametrize(
    "dtype",
    [np.float32, np.float64, np.int32, np.uint8, np.float16, ml_dtypes.bfloat16, "c8", "c16"],
)
def test_answers_of_any_size_are_whole(dtype, account):
    for count in (0, 1, 31, 32, 33, 127, 4096, PIECE, PIECE + 1, 2 * PIECE + 3):
        array = (np.arange(count) % 100 - 3).astype(dtype)
        array = array * 1j if array.dtype.kind == "c" else array
        proto = to_proto(array)
        assert not proto.tensor_content
        assert (proto.dtype, [axis.size for axis in proto.tensor_shape.dim]) == (
            data_type_of(array),
            [count],
        )
        np.testing.assert_array_equal(tf.make_ndarray(proto), array)
        np.testing.assert_array_equal(to_array(proto, "x", account), array)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, object])
def test_answers_keep_their_axes_whatever_their_order_in_memory(dtype, account):
    array = np.arange(60).reshape(3, 4, 5).astype(dtype)
    if dtype is object:
        array = np.vectorize(lambda one: b"%d" % one, otypes=[object])(array)
    for view in (array, array.T, array[:, ::2], array[::-1], array[:0]):
        np.testing.assert_array_equal(to_array(to_proto(view), "x", account), view)


def test_bytes_of_an_array_hold_those_of_its_strings():
    assert bytes_of(np.zeros((2, 3), np.int16)) == 12
    assert bytes_of(np.array([[b"ab", b""], [b"c", b"def"]], object)) == 4 * 96 + 6


def test_types_that_the_api_lacks_are_unimplemented():
    with pytest.raises(ServingError, match="type int4 in answers") as refused:
        to_proto(np.zeros(1, ml_dtypes.int4))
    assert refused.value.code == Code.UNIMPLEMENTED


def test_small_messages_are_not_inspected():
    descriptor = TensorProto.DESCRIPTOR
    number = b"\x2d\0\0\0\0"  # a float of its own
    count = SMALL_BYTES // len(number)
    small = number * count + b"\x48" * (SMALL_BYTES - len(number) * count)
    assert parsed_bytes(small, descriptor, most=2**30) == WORST_EXPANSION * SMALL_BYTES
    large = number * (count + 1)
    assert parsed_bytes(large, descriptor, most=2**30) == len(large) + 32 * (count + 1)


def test_numbers_and_bytes_of_a_message_are_counted_by_their_field():
    descriptor = TensorProto.DESCRIPTOR
    size = 20_000
    packed = varint(size) + bytes(size)
    for tag, per_byte, once in (
        (b"\x22", 0, 0),  # tensor_content: its bytes, once
        (b"\x2a", 1, 32),  # float_val
        (b"\x52", 16, 32),  # int64_val: a byte can be a number
        (b"\x5a", 16, 32),  # bool_val
        (b"\x42", 0, 64),  # string_val
        (b"\xfa\x01", 0, 0),  # no field
    ):
        body = tag + packed
        found = parsed_bytes(body, descriptor, most=2**30)
        assert found == len(body) + per_byte * size + once, tag
        # A length beyond the message's end counts what is there.
        longer = tag + varint(10 * size) + bytes(size)
        assert parsed_bytes(longer, descriptor, most=2**30) == (
            len(longer) + per_byte * size + once
        ), tag


def test_counting_stops_above_what_a_request_may_take():
    body = b"\x42\0" * 20_000  # empty strings
    assert parsed_bytes(body, TensorProto.DESCRIPTOR, most=2**30) == len(body) + 64 * 20_000
    assert 50_000 < parsed_bytes(body, TensorProto.DESCRIPTOR, most=50_000) <= 50_000 + 64


@pytest.mark.parametrize("content", [b"\x80" * 12 + b"\0", b"\xff" * 100_000])
def test_a_length_of_more_than_ten_bytes_is_refused(content, account):
    with pytest.raises(ServingError, match="tensor parsing error: x"):
        to_array(tensor("string", [1], tensor_content=content), "x", account)
