"""The specification of REST: paths, order of checks, texts, values, and how numbers are written."""

import base64
import gzip
import json
import math

import pytest
import requests

HALF = "half:predict"


def says(response, status, text):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json()["error"] == text
    assert response.text == json.dumps({"error": text}, indent=4, ensure_ascii=False)


def value_of(document):
    return json.dumps(document, indent=4)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models/half:predict"),
        ("PUT", "/v1/models/half:predict"),
        ("DELETE", "/v1/models/half"),
        ("POST", "/v1/models/half"),
        ("POST", "/v1/models/half:predict?x=1"),
        ("POST", "/v1/models/half/versions/abc:predict"),
        ("POST", "/v1/models/half/versions/1/labels/a:predict"),
        ("POST", "/v1/models/half:explain"),
        ("GET", "/v1/models/half/metadata/more"),
        ("GET", "/v1/anything"),
        ("GET", "/v1/models/../../etc/passwd"),
        ("GET", "/v1/models//half"),
    ],
)
def test_a_path_that_is_none(server, method, path):
    request = requests.Request(method, server.address).prepare()
    request.url = server.address + path  # as it is, dots and all
    with requests.Session() as session:
        says(session.send(request, timeout=10), 400, f"Malformed request: {method} {path}")


def test_head_is_malformed_too(server):
    assert requests.head(f"{server.address}/v1/models/half", timeout=10).status_code == 400


def test_outside_the_api_is_404(server):
    assert requests.get(f"{server.address}/", timeout=10).status_code == 404
    assert requests.post(f"{server.address}/v2/models/half", timeout=10).status_code == 404


@pytest.mark.parametrize("path", ["half", "half/versions/123", "half/labels/stable"])
def test_paths_ignore_case_and_names_are_decoded(server, path):
    for form in (
        f"/V1/MODELS/{path}:PREDICT",
        f"/v1/models/{path.replace('half', '%68alf')}:predict",
    ):
        answer = requests.post(server.address + form, json={"instances": [2.0]}, timeout=10)
        assert answer.json() == {"predictions": [3.0]}


@pytest.mark.parametrize(
    ("path", "document", "status", "text"),
    [
        ("foo:predict", {"instances": [1]}, 404, "Servable not found for request: Latest(foo)"),
        (
            "..%2f..%2fetc:predict",
            {"instances": [1]},
            404,
            "Servable not found for request: Latest(../../etc)",
        ),
        (
            "half/versions/5:predict",
            {"instances": [1]},
            404,
            "Servable not found for request: Specific(half, 5)",
        ),
        (
            "half/versions/0:predict",
            {"instances": [1]},
            404,
            "Servable not found for request: Specific(half, 0)",
        ),
        (
            "half/versions/18446744073709551615:predict",
            {"instances": [1]},
            400,
            "Failed to convert version: 18446744073709551615 to numeric.",
        ),
        (
            "half/labels/X:predict",
            {"instances": [1]},
            400,
            "Unrecognized servable version label: X",
        ),
        (HALF, [1], 400, "JSON Value: [\n    1\n] Is not object"),
        (
            HALF,
            {"signature_name": 5},
            400,
            f"JSON Value: {value_of({'signature_name': 5})} not formatted correctly. "
            "'signature_name' key must be a string value.",
        ),
        (
            HALF,
            {"signature_name": "s"},
            400,
            'Serving signature name: "s" not found in signature def',
        ),
        (HALF, {}, 400, "Missing 'inputs' or 'instances' key"),
        (
            HALF,
            {"instances": [1], "inputs": [1]},
            400,
            f"JSON Value: {value_of({'instances': [1], 'inputs': [1]})} Not formatted correctly "
            "expecting only one of 'inputs' or 'instances' keys to exist ",
        ),
        (
            HALF,
            {"instances": 1},
            400,
            f"JSON Value: {value_of({'instances': 1})} Expecting 'instances' to be an list/array",
        ),
        (
            HALF,
            {"instances": []},
            400,
            f"JSON Value: {value_of({'instances': []})} No values in 'instances' array",
        ),
        (
            HALF,
            {"instances": ["x"]},
            400,
            "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
            'JSON Value: "x" Type: String is not of expected type: float',
        ),
        (
            HALF,
            {"instances": [[1, 2], [1, 2, 3]]},
            400,
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting tensor size: 2 but got: 3",
        ),
        (
            HALF,
            {"instances": [[1, 2], [[1], [2]]]},
            400,
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting shape [2] but got: [2,1]",
        ),
        (
            HALF,
            {"instances": [[[1, 2], [1]]]},
            400,
            "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
        ),
        (
            HALF,
            {"instances": [{"z": 1}]},
            400,
            "Failed to process element: 0 key: z of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: z",
        ),
        (
            HALF,
            {"instances": [1, {"x": 1}]},
            400,
            "Expecting value/list but got object at item 1 of input list",
        ),
        (
            HALF,
            {"instances": [{"x": 1}, [1]]},
            400,
            "Expecting object but got list at item 1 of input list",
        ),
        (
            "types:predict",
            {"signature_name": "pair", "instances": [1]},
            400,
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map",
        ),
        (
            "types:predict",
            {"signature_name": "pair", "inputs": {"b": 1}},
            400,
            "Missing named input: a in 'inputs' object.",
        ),
        (
            "types:predict",
            {"signature_name": "pair", "instances": [{"a": 1}]},
            400,
            "Failed to process element: 0 of 'instances' list. JSON object: "
            f"{value_of({'a': 1})} keys must be equal to: a,b",
        ),
        (
            "half:classify",
            {"signature_name": "classify_x_to_y"},
            400,
            f"JSON Value: {value_of({'signature_name': 'classify_x_to_y'})} When method is "
            "classify, key 'examples' is expected and was not found",
        ),
        (
            "half:regress",
            {"signature_name": "s", "examples": [{}]},
            400,
            "No signature was found with the name: s",
        ),
        (
            "half:regress",
            {"examples": [1]},
            400,
            "Example must be JSON object but got JSON Number",
        ),
        (
            "half:regress",
            {"examples": [{"x": [1.5, "a"]}]},
            400,
            "Unexpected element type in feature: x expecting type: float",
        ),
        (
            "half:classify",
            {"signature_name": "nonsense", "examples": [{"x": None}]},
            400,
            "Feature: x has element with unexpected JSON type: Null",
        ),
    ],
)
def test_what_is_refused_and_how(server, path, document, status, text):
    says(server.post(path, document), status, text)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "The document is empty"),
        (b"{", "Expecting property name enclosed in double quotes at offset: 1"),
        (b'{"a": 1,}', None),
        (b'"\xff"', "Invalid encoding in string. at offset: 1"),
        (b'{"instances": ["\\ud800"]}', "The surrogate pair in string is invalid."),
        (b'{"instances": ' + b"[" * 100_000, "The document is nested too deeply."),
        (b'{"instances": [1' + b"0" * 5000 + b"]}", None),
        ('{"instances": [1]}'.encode("utf-16"), None),
    ],
)
def test_bad_json_beats_an_unknown_model(server, body, text):
    answer = server.post("foo:predict", data=body)
    assert answer.status_code == 400
    start = "JSON Parse error: "
    assert answer.json()["error"].startswith(start if text is None else start + text)


def test_deep_json_that_ends_is_refused_too(server):
    for depth in (40, 70, 300, 900, 3000):
        body = f'{{"instances": {"[" * depth}1{"]" * depth}}}'
        answer = server.post(HALF, data=body)
        assert answer.status_code == 400, depth


def test_errors_quote_no_megabytes(server):
    answer = server.post(HALF, {"instances": "a" * 10**6})
    assert answer.status_code == 400
    assert len(answer.text) < 2000


def test_rows_and_columns(server):
    assert server.post(HALF, {"instances": [2, 3, 4]}).json() == {"predictions": [3.0, 3.5, 4.0]}
    assert server.post(HALF, {"inputs": [2, 3, 4]}).json() == {"outputs": [3.0, 3.5, 4.0]}
    assert server.post(HALF, {"instances": [{"x": [2]}, {"x": [4]}]}).json() == {
        "predictions": [[3.0], [4.0]]
    }
    # Names that the signature lacks are ignored in columns.
    assert server.post(HALF, {"inputs": {"x": [2], "q": 5}}).json() == {"outputs": [3.0]}
    assert server.post(HALF, {"inputs": 2}).json() == {"outputs": 3.0}


def test_several_tensors_are_objects(server):
    rows = {"signature_name": "pair", "instances": [{"a": 1, "b": 2}, {"a": 0.5, "b": 3}]}
    assert server.post("types:predict", rows).json() == {
        "predictions": [{"sum": 3.0, "b": 2}, {"sum": 3.5, "b": 3}]
    }
    columns = {"signature_name": "pair", "inputs": {"a": [1, 0.5], "b": [2, 3]}}
    assert server.post("types:predict", columns).json() == {
        "outputs": {"sum": [3.0, 3.5], "b": [2, 3]}
    }


def test_outputs_without_rows_have_no_row_form(server):
    document = {"signature_name": "scalar", "instances": [1, 2]}
    says(server.post("types:predict", document), 400, "Tensor name: y has no shape information ")
    document = {"signature_name": "scalar", "inputs": [1, 2]}
    assert server.post("types:predict", document).json() == {"outputs": 3.0}


def test_an_empty_batch(server):
    answer = server.post(HALF, {"inputs": []})
    assert answer.json() == {"outputs": []}


@pytest.mark.parametrize(
    ("dtype", "given", "written"),
    [
        ("float32", "9000000", "9e+06"),
        ("float32", "999999", "999999.0"),
        ("float32", "0.00003", "3e-05"),
        ("float32", "0.1", "0.1"),
        ("float32", "0.33333334", "0.33333334"),
        ("float32", "16777215", "16777215.0"),
        ("float32", "-0.0", "-0.0"),
        ("float32", "1e-45", "1.4013e-45"),  # six digits, where fewer would do
        ("float32", "3.4028234e38", "3.4028235e+38"),
        ("float32", "123456.7", "123456.7"),
        ("float32", "1234567", "1234567.0"),
        ("float32", "NaN", "NaN"),
        ("float32", "-Infinity", "-Infinity"),
        ("float64", "0.1", "0.1"),
        ("float64", "1e300", "1e+300"),
        ("float64", "9007199254740991", "9007199254740991.0"),
        ("float16", None, None),
        ("int64", "-9223372036854775808", "-9223372036854775808"),
        ("uint64", "18446744073709551615", "18446744073709551615"),
        ("bool", "true", "true"),
    ],
)
def test_how_numbers_are_read_and_written(server, dtype, given, written):
    body = f'{{"signature_name": "{dtype}", "inputs": {given or 1.0}}}'
    answer = server.post("types:predict", data=body)
    if given is None:
        assert (answer.status_code, "to type: half" in answer.text) == (501, True)
    else:
        assert answer.text == f'{{\n    "outputs": {written}\n}}'


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("int32", 1.0),
        ("int32", 2**31),
        ("int64", 2**63),
        ("uint32", -1),
        ("int8", True),
        ("float32", True),
        ("float32", None),
        ("bool", 1),
        ("string", 1),
        ("float32", {"b64": "YQ=="}),
        ("string", {"b64": "YQ==", "more": 1}),
    ],
)
def test_values_of_another_type_are_refused(server, dtype, value):
    answer = server.post("types:predict", {"signature_name": dtype, "inputs": [value]})
    assert answer.status_code == 400
    words = ("is not of expected type", "not formatted correctly for base64", "is a plain value")
    assert any(text in answer.json()["error"] for text in words)


@pytest.mark.parametrize(
    ("dtype", "given", "written"),
    [
        ("float32", "1435774380", "1.4357743e+09"),  # upstream's own example
        ("float32", "16777217", "16777216.0"),
        ("float32", "-16777217", "-16777216.0"),
        ("float32", "[16777217, 0.5]", "[16777216.0, 0.5]"),
        ("float32", "18446744073709551615", "1.8446744e+19"),
        ("float32", f"{10**38}", "1e+38"),
        ("float32", "1e39", "Infinity"),
        ("float32", "[-1e39, 1]", "[-Infinity, 1.0]"),
        ("float32", f"{10**39}", "Infinity"),
        ("float64", "9007199254740993", "9007199254740992.0"),
        ("float64", f"{-(10**30)}", "-1e+30"),
    ],
)
def test_numbers_that_a_type_cannot_hold_are_narrowed(server, dtype, given, written):
    body = f'{{"signature_name": "{dtype}", "inputs": {given}}}'
    assert server.post("types:predict", data=body).text == f'{{\n    "outputs": {written}\n}}'


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 400, "-1" + "0" * 400 + ".0"])
def test_numbers_beyond_a_double_are_refused(server, number):
    for path, body in (
        (HALF, f'{{"instances": [1, {number}]}}'),
        (
            "half:regress",
            f'{{"signature_name": "regress_x_to_y", "examples": [{{"x": {number}}}]}}',
        ),
    ):
        answer = server.post(path, data=body)
        assert answer.status_code == 400
        assert "Number too big to be stored in double." in answer.json()["error"]


def test_features_beyond_a_float_are_infinite_and_wide_whole_numbers_are_floats(server):
    body = (
        '{"signature_name": "regress_x_to_y", "examples": [{"x": 1e39}, {"x": -1e39}, {"x": %d}]}'
    )
    answer = server.post("half:regress", data=body % 10**20)
    assert answer.json() == {"results": [math.inf, -math.inf, 5e19]}
    answer = server.post("half:regress", data=body % 2**63)
    says(answer, 400, "Feature: x has uint64 element. Only int64 is supported.")


@pytest.mark.parametrize(
    "more", [b"\0", b";", b'\n{"instances": [4]}', b"}", b'"', b"\xff", b" Inf"]
)
def test_bytes_after_the_document_are_ignored(server, more):
    for start in (b" ", b"\xef\xbb\xbf"):
        answer = server.post(HALF, data=start + b'{"instances": [2]}' + more)
        assert answer.json() == {"predictions": [3.0]}


def test_all_spellings_of_infinity_and_nan_are_read(server):
    values = "NaN, -NaN, Inf, -Inf, Infinity, -Infinity"
    body = f'{{"signature_name": "float32", "Inf": "-Inf \\" Inf", "inputs": [{values}]}}'
    answer = server.post("types:predict", data=body)
    outputs = "NaN, NaN, Infinity, -Infinity, Infinity, -Infinity"
    assert answer.text == f'{{\n    "outputs": [{outputs}]\n}}'
    body = body.replace("float32", "text").replace(values, '"Inf", "-NaN", "a\\\\"')
    assert server.post("types:predict", data=body).json() == {"outputs": ["Inf", "-NaN", "a\\"]}


@pytest.mark.parametrize(
    ("body", "offset"), [("[Info]", 1), ("[1Inf]", 2), ("[-Inf, -I]", 7), ("[Inf, -NaN, x]", 12)]
)
def test_an_error_after_infinity_names_its_place_in_what_was_sent(server, body, offset):
    answer = server.post(HALF, data=body)
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(f" at offset: {offset}")


def test_strings_and_bytes(server):
    raw = base64.b64encode(b"\xff\x00").decode()
    document = {"signature_name": "string", "instances": [{"b64": raw}, "text"]}
    text = base64.b64encode(b"text").decode()
    assert server.post("types:predict", document).json() == {
        "predictions": [{"b64": raw}, {"b64": text}]
    }
    document = {"signature_name": "text", "inputs": ["a\n\u00e4", {"b64": "YQ=="}]}
    assert server.post("types:predict", document).json() == {"outputs": ["a\n\u00e4", "a"]}
    document = {"signature_name": "text", "inputs": [{"b64": raw}]}
    assert server.post("types:predict", document).status_code == 400
    document = {"signature_name": "string", "inputs": [{"b64": "&"}]}
    says(server.post("types:predict", document), 400, "Unable to base64 decode")


def test_a_string_without_axes_is_one_string_and_keeps_its_zeros(server):
    document = {"signature_name": "text", "inputs": {"b64": "aGVsbG8="}}
    assert server.post("types:predict", document).json() == {"outputs": "hello"}
    document = {"signature_name": "text", "inputs": "ab\0\0"}
    assert server.post("types:predict", document).json() == {"outputs": "ab\0\0"}
    document = {"signature_name": "joined", "inputs": ["a", {"b64": "/wA="}, "\0"]}
    joined = base64.b64encode(b"a\xff\0\0").decode()
    assert server.post("types:predict", document).json() == {"outputs": {"b64": joined}}
    document = {"signature_name": "text", "inputs": ""}
    assert server.post("types:predict", document).json() == {"outputs": ""}


def test_strings_in_rows_of_several_outputs_are_whole(server):
    document = {"signature_name": "twice", "instances": ["ab\0", "\0"]}
    assert server.post("types:predict", document).json() == {
        "predictions": [{"y_bytes": {"b64": "YWIA"}, "z": 3}, {"y_bytes": {"b64": "AA=="}, "z": 1}]
    }


@pytest.mark.parametrize("text", ["aGVs\nbG8=", "aGVs\r\nbG8", " aGVs bG8=\t", "aGVsbG8==="])
def test_base64_with_line_breaks_or_without_padding_is_read(server, text):
    for document in ({"inputs": [{"b64": text}]}, {"instances": [{"b64": text}]}):
        answer = server.post("types:predict", {"signature_name": "text", **document})
        assert list(answer.json().values()) == [["hello"]]


@pytest.mark.parametrize("form", ["inputs", "instances"])
def test_the_extremes_of_64_bits_are_exact(server, form):
    for dtype, values in (
        ("int64", [-(2**63), -(2**63) + 1, 2**63 - 1, -(2**53) - 1, 0]),
        ("uint64", [2**64 - 1, 2**63, 0]),
    ):
        answer = server.post("types:predict", {"signature_name": dtype, form: values})
        assert list(answer.json().values()) == [values]


def test_nan_comes_back(server):
    body = '{"signature_name": "float32", "instances": [NaN, Infinity, 1]}'
    first, second, third = server.post("types:predict", data=body).json()["predictions"]
    assert math.isnan(first)
    assert (second, third) == (math.inf, 1.0)


def test_classify_and_regress(server):
    document = {"signature_name": "classify_labels", "examples": [{"x": 2.0}, {"x": [4.0]}]}
    assert server.post("half:classify", document).json() == {
        "results": [[["half", 3.0]], [["half", 4.0]]]
    }
    document = {"signature_name": "regress_x_to_y", "context": {"x": 2.0}, "examples": [{}, {}]}
    assert server.post("half:regress", document).json() == {"results": [3.0, 3.0]}


def test_status(server):
    expected = {
        "model_version_status": [
            {
                "version": "123",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    for path in ("/half", "/half/versions/123", "/half/labels/ANYTHING"):
        assert server.get(path).json() == expected
    says(server.get(""), 400, "Missing model name in request.")
    says(server.get("/foo"), 404, "Could not find any versions of model foo")
    says(server.get("/half/versions/5"), 404, "Could not find version 5 of model half")


def test_metadata(server):
    answer = server.get("/half/metadata").json()
    assert answer["model_spec"] == {"name": "half", "signature_name": "", "version": "123"}
    signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature.keys() == {"inputs", "outputs", "method_name", "defaults"}
    assert signature["inputs"]["x"] == {
        "dtype": "DT_FLOAT",
        "name": "x:0",
        "tensor_shape": {
            "dim": [{"size": "-1", "name": ""}, {"size": "1", "name": ""}],
            "unknown_rank": False,
        },
    }
    assert signature["defaults"] == {}


def test_gzip_is_inflated_and_bombs_are_not(server):
    packed = gzip.compress(b'{"instances": [2]}')
    headers = {"Content-Encoding": "gzip"}
    assert server.post(HALF, data=packed, headers=headers).json() == {"predictions": [3.0]}
    assert server.post(HALF, data=b"no gzip", headers=headers).status_code == 400
    assert server.post(HALF, data=packed[:-4], headers=headers).status_code == 400
    bomb = gzip.compress(bytes(server.options.max_request_bytes + 1), compresslevel=1)
    assert server.post(HALF, data=bomb, headers=headers).status_code == 413


def test_a_body_in_chunks_and_gzip_is_read(server):
    packed = gzip.compress(b'{"instances": [2]}')
    halves = iter([packed[:7], packed[7:]])
    answer = server.post(HALF, data=halves, headers={"Content-Encoding": "gzip"})
    assert answer.request.headers["Transfer-Encoding"] == "chunked"
    assert answer.json() == {"predictions": [3.0]}


def test_the_content_type_is_not_checked(server):
    headers = {"Content-Type": "text/html"}
    assert server.post(HALF, data='{"instances": [2]}', headers=headers).status_code == 200
