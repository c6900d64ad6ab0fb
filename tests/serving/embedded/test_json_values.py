"""JSON values become arrays, and arrays JSON: limits of types and shapes, long arrays, quotes."""

import json

import numpy as np
import pytest

from deployworkbook.serving.embedded.budget import MemoryBudget
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.json_numbers import Numbers, array_of, decoded_bytes, flattened
from deployworkbook.serving.embedded.json_tensors import read_inputs, write_outputs
from deployworkbook.serving.embedded.json_text import (
    LONGEST_QUOTE,
    decode_base64,
    is_base64,
    kind_of,
    quote,
)
from deployworkbook.serving.embedded.json_values import quick_array, to_array
from deployworkbook.serving.embedded.json_writing import decimals, write_array, written_bytes

# TensorFlow Serving reads small integers as int32, and narrows them without a check.
RANGES = {
    "int8": (-(2**31), 2**31 - 1),
    "int16": (-(2**31), 2**31 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint8": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
BUDGET = MemoryBudget(request_bytes=2**20, in_flight_bytes=2**20)


def numbers(values):
    """What a large document's array of numbers is read to."""
    text = json.dumps(values).encode()
    return Numbers(array_of(values), text, 0, len(text), json.loads, BUDGET.account())


def converted(values, type_name, how):
    return to_array(numbers(values) if how is numbers else values, type_name)


@pytest.mark.parametrize("type_name", RANGES)
@pytest.mark.parametrize("how", [numbers, list])
def test_both_ends_of_an_integer_type_are_read_exactly(type_name, how):
    low, high = RANGES[type_name]
    found = converted([low, high], type_name, how)
    assert found.dtype == type_name
    bits = 8 * found.dtype.itemsize
    assert [int(one) % 2**bits for one in found] == [low % 2**bits, high % 2**bits]


@pytest.mark.parametrize("type_name", RANGES)
@pytest.mark.parametrize("how", [numbers, list])
def test_a_number_beyond_an_integer_type_is_not_converted(type_name, how):
    low, high = RANGES[type_name]
    for wrong in (low - 1, high + 1):
        array = array_of([wrong, 1])
        if how is numbers and array is not None:
            assert quick_array(numbers([wrong, 1]), type_name) is None
        assert quick_array([wrong, 1], type_name) is None
        with pytest.raises(ServingError, match=f"not of expected type: {type_name}"):
            to_array([1, wrong], type_name)
        with pytest.raises(ServingError, match=f"not of expected type: {type_name}"):
            to_array(wrong, type_name)


def test_small_integers_wrap():
    assert to_array([300, -129], "int8").tolist() == [44, 127]
    assert to_array([-1, 256], "uint8").tolist() == [255, 0]


def test_fractions_are_no_integers_and_numbers_no_booleans():
    assert quick_array(numbers([1.0, 2.0]), "int32") is None
    assert quick_array(numbers([0, 1]), "bool") is None
    assert quick_array([True, 1], "bool") is None
    assert quick_array([True, 1], "float") is None
    assert to_array([True, False], "bool").tolist() == [True, False]


def deep(depth):
    value = 1.0
    for _ in range(depth):
        value = [value]
    return value


def test_lists_are_as_deep_as_an_array_has_axes():
    assert to_array(deep(32), "float").ndim == 32
    for type_name in ("float", "string"):
        with pytest.raises(ServingError, match="unexpected level: 32 expected < 32"):
            to_array(deep(33), type_name)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([[1], 2], "2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ([1, [2]], "list at unexpected level: 1 expected < 1"),
        ([[1, 2], [3]], "unexpected size: 1 at level: 1 expected size: 2"),
        ([[[1], [2]], [[3]]], "unexpected size: 1 at level: 1 expected size: 2"),
        ([[[1]], [[2, 3]]], "unexpected size: 2 at level: 2 expected size: 1"),
        ([[], [1]], "unexpected size: 1 at level: 1 expected size: 0"),
    ],
)
def test_lists_that_are_no_array_name_the_place(value, words):
    with pytest.raises(ServingError) as refused:
        to_array(value, "float")
    assert words in refused.value.text


def test_strings_keep_their_shape_and_mix_with_bytes():
    found = to_array([["a", {"b64": "/w=="}], ["", "é"]], "string")
    assert found.tolist() == [[b"a", b"\xff"], [b"", "é".encode()]]
    assert to_array([["a"], ["b"]], "string").shape == (2, 1)
    assert to_array("a", "string").item() == b"a"


def test_types_without_json_are_unimplemented():
    with pytest.raises(ServingError, match="to type: half") as refused:
        to_array([1], "half")
    assert refused.value.code == Code.UNIMPLEMENTED
    with pytest.raises(ServingError, match="Type: Object is not of expected type: half"):
        to_array([{}], "half")


def test_numbers_are_arrays_only_where_none_is_rounded():
    assert array_of([2**63, 1]).dtype == np.uint64
    assert array_of([-(2**63), 2**63 - 1]).dtype == np.int64
    assert array_of([2**63, -1]) is None
    assert array_of([2**64]) is None
    assert array_of([1, 0.5]).dtype == np.float64
    for wrong in ([1, "a"], [None], [[1], 2], [{}]):
        assert array_of(wrong) is None
    assert array_of(deep(32)).ndim == 32
    assert array_of(deep(33)) is None


def test_shapes_of_nested_lists():
    assert flattened(3) == ((), [3])
    assert flattened([]) == ((0,), [])
    assert flattened([[], []]) == ((2, 0), [])
    assert flattened([[[1], [2]], [[3], [4]]]) == ((2, 2, 1), [1, 2, 3, 4])
    assert flattened([[1], 2]) is None
    assert flattened([[1], [2, 3]]) is None


def test_an_error_quotes_the_first_numbers_of_a_large_array():
    assert numbers(list(range(1000))).head() == list(range(128))
    assert np.shape(numbers([[1] * 200] * 150).head()) == (128, 128)


@pytest.mark.parametrize("more", [0, 1])
def test_long_values_are_cut_in_errors(more):
    text = "a" * (LONGEST_QUOTE - 2 + more)  # and two quotes
    assert quote(text).endswith('a"' if not more else "...(truncated)")
    assert len(quote(text)) == LONGEST_QUOTE + more * len("...(truncated)")
    assert quote([{"k": "é"}]) == json.dumps([{"k": "é"}], indent=4, ensure_ascii=False)


def test_kinds_of_values_have_upstreams_names():
    values = [None, {}, [], "", 1, 0.5, True, False, numbers([1])]
    kinds = ["Null", "Object", "Array", "String", "Number", "Number", "True", "False", "Array"]
    assert [kind_of(value) for value in values] == kinds


def test_only_one_key_and_a_text_are_base64():
    assert is_base64({"b64": ""})
    for value in ({"b64": 1}, {"b64": "", "a": ""}, {}, "b64", {"a": "YQ=="}):
        assert not is_base64(value)
        with pytest.raises(ServingError, match="not formatted correctly for base64 data"):
            decode_base64(value)
    for text in ("YWJj", "YWJjZA", "YWJjZGU=", "YWJjZGU", ""):
        assert decode_base64({"b64": text}) == b"abcde"[: len(text.rstrip("=")) * 3 // 4]
    for wrong in ("Y", "YWJjZ", "-_-_", "é", "YQ==YQ=="):
        with pytest.raises(ServingError, match="Unable to base64 decode"):
            decode_base64({"b64": wrong})


@pytest.mark.parametrize(
    "shape",
    [(8192,), (8193,), (20_000,), (3, 5000), (5000, 3), (2, 8193), (8193, 1), (2, 3, 4000), (1, 1)],
)
@pytest.mark.parametrize("dtype", [np.int32, np.float32, bool, object])
def test_long_arrays_are_written_as_short_ones(shape, dtype):
    array = (np.arange(np.prod(shape)) % 7).reshape(shape)
    if dtype is object:
        array = np.vectorize(lambda one: b"%d" % one, otypes=[object])(array)
        expected = np.vectorize(bytes.decode, otypes=[object])(array).tolist()
    else:
        array = array.astype(dtype)
        expected = array.tolist()
    assert write_array(array) == json.dumps(expected)


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3), (2, 0, 3)])
def test_empty_arrays_keep_their_brackets(shape):
    for dtype in (np.float32, object, np.int8):
        assert write_array(np.zeros(shape, dtype)) == json.dumps(np.zeros(shape).tolist())


def test_bytes_that_are_no_text_need_base64():
    assert write_array(np.array([b"\xff", b"a"], object), as_base64=True) == (
        '[{"b64": "/w=="}, {"b64": "YQ=="}]'
    )
    with pytest.raises(ServingError, match="_bytes"):
        write_array(np.array([b"\xff"], object))
    with pytest.raises(ServingError, match="complex64"):
        write_array(np.zeros(1, np.complex64))


# The widest values of each type.
WIDEST = [
    np.array([-128], np.int8),
    np.array([-32768], np.int16),
    np.array([-(2**31)], np.int32),
    np.array([-(2**63)], np.int64),
    np.array([2**64 - 1], np.uint64),
    np.array([False]),
    np.array([-1.17549435e-38], np.float32),
    np.array([-2.2250738585072014e-308]),
    np.array([b"\0"], object),
    np.array(["é".encode()], object),
    np.array([b""], object),
]


@pytest.mark.parametrize("shape", [(), (1,), (100,), (100, 1), (1, 100), (10, 10, *[1] * 30)])
def test_the_bound_of_a_written_array_holds_for_its_four_copies(shape):
    for value in WIDEST:
        array = np.full(shape, value[0], value.dtype)
        for as_base64 in (False, True):
            assert 4 * len(write_array(array, as_base64=as_base64)) <= written_bytes(array)


@pytest.mark.parametrize("shape", [(5, 0), (0, 7, 3), (0,)])
def test_the_bound_of_an_empty_array_holds(shape):
    for dtype in (np.int8, np.float64, object):
        array = np.zeros(shape, dtype)
        assert 4 * len(write_array(array)) <= written_bytes(array)


def test_numbers_are_written_alone_as_among_others():
    """Fast for the numbers that need no exponent, and one by one for the others."""
    for dtype in (np.float32, np.float64):
        edges = np.array([1e-4, 1e6, 1.0, 123456.7, 0.0, -0.0, -1e-4, 0.5, 2e-4], dtype)
        around = [np.nextafter(edges, to, dtype=dtype) for to in (-np.inf, np.inf)]
        values = np.concatenate([edges, *around])
        alone = [decimals(value[None])[0] for value in values]
        together = decimals(np.append(values, dtype(1e30)))[:-1]
        assert alone == together
        assert [dtype(text) for text in alone] == values.tolist()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e6, "1e+06"),
        (999999.5, "999999.5"),
        (1e-4, "0.0001"),
        (9.9e-5, "9.9e-05"),
        (2e-10, "2e-10"),
    ],
)
def test_where_exponents_begin(value, text):
    for dtype in (np.float32, np.float64):
        assert decimals(np.array([value], dtype)) == [text]


@pytest.mark.parametrize("text", ["[1,2]", '["aé", "b"]', '{"a": {"b": []}}', "[[],[],[]]", '"é"'])
def test_the_memory_of_a_document_counts_each_of_its_parts(text):
    raw = text.encode()
    width = 1 if raw.isascii() else 4
    copies = 2 * width + 3 if b'"' in raw else width + 1
    expected = copies * len(raw) + 128 * text.count("[") + 288 * text.count("{")
    expected += 48 * (text.count(",") + text.count(":") + 1) + 64 * (text.count('"') // 2)
    assert decoded_bytes(raw) == expected


PAIR = {"a": "float", "b": "int32"}


@pytest.mark.parametrize(
    ("document", "types", "words"),
    [
        ({"inputs": [1]}, PAIR, "inputs is a plain value/list"),
        ({"instances": numbers([1])}, PAIR, "instances is a plain list"),
        (
            {"instances": [{"a": 1, "b": 1}, {"b": 1}]},
            PAIR,
            "(?s)element: 1 .*be equal to: a,b",
        ),
        ({"instances": [{"a": 1, "b": 1.5}]}, PAIR, "element: 0 key: b"),
        (
            {"instances": [{"a": [1], "b": 1}, {"a": [1, 2], "b": 1}]},
            PAIR,
            "element: 1 key: a .*tensor size: 1 but got: 2",
        ),
        ({"instances": [{"b64": "YQ=="}, {"x": 1}]}, {"x": "string"}, "object at item 1"),
    ],
)
def test_rows_and_columns_that_do_not_fit_the_inputs(document, types, words):
    with pytest.raises(ServingError, match=words):
        read_inputs(document, types)


def test_rows_and_columns_become_the_same_arrays():
    rows, as_rows = read_inputs({"instances": [{"a": 1, "b": 2}, {"b": 4, "a": 3}]}, PAIR)
    columns, as_columns = read_inputs({"inputs": {"a": [1, 3], "b": [2, 4], "c": 0}}, PAIR)
    assert (as_rows, as_columns) == (True, False)
    for found in (rows, columns):
        assert {name: (each.dtype.name, each.tolist()) for name, each in found.items()} == {
            "a": ("float32", [1.0, 3.0]),
            "b": ("int32", [2, 4]),
        }
    texts, _ = read_inputs({"instances": [{"b64": "YQ=="}, "b"]}, {"x": "string"})
    assert texts["x"].tolist() == [b"a", b"b"]


def test_outputs_of_different_numbers_of_rows_have_no_row_form():
    outputs = {"a": np.zeros(2), "b": np.zeros(3)}
    with pytest.raises(ServingError, match="name: b has inconsistent batch size: 3 expecting: 2"):
        write_outputs(outputs, rows=True)
    assert json.loads(write_outputs(outputs, rows=False))["outputs"]["b"] == [0.0] * 3
    with pytest.raises(ServingError, match="empty tensor map"):
        write_outputs({}, rows=True)
    empty = {"a": np.zeros(0), "b": np.zeros((0, 2))}
    assert json.loads(write_outputs(empty, rows=True)) == {"predictions": []}
