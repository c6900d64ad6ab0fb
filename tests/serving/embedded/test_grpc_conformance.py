"""The specification's table for gRPC: every case, its code and its text."""

import grpc
import numpy as np
import pytest

from deployworkbook.serving.embedded.protos import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
    tf,
)
from tests.serving.conftest import predict_request
from tests.serving.models import CLASSIFY, REGRESS

CALLS = {
    "Predict": ("PredictionService", predict_pb2.PredictRequest, predict_pb2.PredictResponse),
    "Classify": (
        "PredictionService",
        classification_pb2.ClassificationRequest,
        classification_pb2.ClassificationResponse,
    ),
    "Regress": (
        "PredictionService",
        regression_pb2.RegressionRequest,
        regression_pb2.RegressionResponse,
    ),
    "MultiInference": (
        "PredictionService",
        inference_pb2.MultiInferenceRequest,
        inference_pb2.MultiInferenceResponse,
    ),
    "GetModelMetadata": (
        "PredictionService",
        get_model_metadata_pb2.GetModelMetadataRequest,
        get_model_metadata_pb2.GetModelMetadataResponse,
    ),
    "GetModelStatus": (
        "ModelService",
        get_model_status_pb2.GetModelStatusRequest,
        get_model_status_pb2.GetModelStatusResponse,
    ),
    "HandleReloadConfigRequest": (
        "ModelService",
        model_management_pb2.ReloadConfigRequest,
        model_management_pb2.ReloadConfigResponse,
    ),
}
INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
FAILED = grpc.StatusCode.FAILED_PRECONDITION


def call(server, method, request):
    service, kind, answer = CALLS[method]
    if isinstance(request, dict):
        request = kind(**request)
    return server.call(service, method, request, answer)


def tensor(values, dtype=np.float32):
    return tf.make_tensor_proto(np.array(values, dtype))


def spec(name="half", **rest):
    if "version" in rest:
        rest["version"] = {"value": rest["version"]}
    return {"name": name, **rest}


def predict(inputs=None, *, outputs=(), **rest):
    return {
        "model_spec": spec(**rest),
        "inputs": {"x": tensor([2.0])} if inputs is None else inputs,
        "output_filter": outputs,
    }


def examples(*values):
    features = [
        tf.train.Features(
            feature={"x": tf.train.Feature(float_list=tf.train.FloatList(value=[value]))}
        )
        for value in values
    ]
    return {"example_list": {"examples": [tf.train.Example(features=each) for each in features]}}


def task(method, signature, name="half"):
    return {"model_spec": spec(name, signature_name=signature), "method_name": method}


CASES = [
    ("Predict", {}, INVALID, "Missing ModelSpec"),
    ("Classify", {}, INVALID, "Missing ModelSpec"),
    ("Regress", {}, INVALID, "Missing ModelSpec"),
    ("GetModelMetadata", {}, INVALID, "Missing ModelSpec"),
    ("GetModelStatus", {}, INVALID, "Missing ModelSpec"),
    ("Predict", predict(name=""), INVALID, "ModelSpec has no name specified."),
    ("Classify", {"model_spec": spec("")}, INVALID, "ModelSpec has no name specified."),
    ("MultiInference", {}, INVALID, "ModelSpec has no name specified."),
    ("Predict", predict(name="foo"), NOT_FOUND, "Servable not found for request: Latest(foo)"),
    (
        "Classify",
        {"model_spec": spec("foo"), "input": examples(1)},
        NOT_FOUND,
        "Servable not found for request: Latest(foo)",
    ),
    (
        "Predict",
        predict(name="half", version=5),
        NOT_FOUND,
        "Servable not found for request: Specific(half, 5)",
    ),
    # Present with the value 0 it means version 0, not the latest.
    (
        "Predict",
        predict(version=0),
        NOT_FOUND,
        "Servable not found for request: Specific(half, 0)",
    ),
    (
        "Predict",
        predict(version_label="X"),
        INVALID,
        "Unrecognized servable version label: X",
    ),
    ("Predict", predict(signature_name="s"), FAILED, 'Serving signature key "s" not found.'),
    # The signature is looked up before the inputs are checked.
    (
        "Predict",
        predict({}, signature_name="s"),
        FAILED,
        'Serving signature key "s" not found.',
    ),
    (
        "Classify",
        {"model_spec": spec(signature_name="s")},
        INVALID,
        "No signature was found with the name: s",
    ),
    (
        "Regress",
        {"model_spec": spec(signature_name="s")},
        INVALID,
        "No signature was found with the name: s",
    ),
    (
        "MultiInference",
        {"tasks": [task(CLASSIFY, "s")]},
        INVALID,
        "Requested signature not found in model graph: s",
    ),
    (
        "Predict",
        predict({"x": tensor([1]), "z": tensor([1])}),
        INVALID,
        "input size does not match signature: 2!=1 len({x,z}) != len({x}). "
        "Sent extra: {z}. Missing but required: {}.",
    ),
    (
        "Predict",
        predict({}),
        INVALID,
        "input size does not match signature: 0!=1 len({}) != len({x}). "
        "Sent extra: {}. Missing but required: {x}.",
    ),
    (
        "Predict",
        predict({"z": tensor([1])}),
        INVALID,
        "Signature input alias: x(feed name: x:0) not found in request and no default value "
        "provided. Inputs expected to be in the request {z}, or default input alias set: ",
    ),
    (
        "Predict",
        predict({"x": {"dtype": 1, "tensor_content": b"123"}}),
        INVALID,
        "tensor parsing error: x:0",
    ),
    (
        "Predict",
        predict({"x": tensor([b"text"], object)}),
        INVALID,
        "Expects arg[0] to be float but string is provided",
    ),
    (
        "Predict",
        predict(outputs=["q"]),
        INVALID,
        "output tensor alias not found in signature: q Outputs expected to be in the set {y}.",
    ),
    ("Predict", predict(outputs=["y", "y"]), INVALID, "duplicate output tensor alias: y"),
    (
        "Classify",
        {"model_spec": spec(signature_name="classify_x_to_y")},
        INVALID,
        "Input is empty.",
    ),
    (
        "Regress",
        {"model_spec": spec(signature_name="regress_x_to_y"), "input": examples()},
        INVALID,
        "Input is empty.",
    ),
    (
        "Classify",
        {"model_spec": spec(signature_name="two_inputs"), "input": examples(1)},
        INVALID,
        "Expected one input Tensor.",
    ),
    (
        "Classify",
        {"model_spec": spec(signature_name="three_outputs"), "input": examples(1)},
        INVALID,
        "Expected one or two output Tensors, found 3",
    ),
    (
        "Classify",
        {"model_spec": spec(), "input": examples(1)},
        INVALID,
        "No classification inputs found in SignatureDef: inputs {",
    ),
    (
        "MultiInference",
        {"tasks": [task("nonsense", "classify_x_to_y")], "input": examples(1)},
        grpc.StatusCode.UNIMPLEMENTED,
        "Unsupported signature method_name: nonsense",
    ),
    (
        "MultiInference",
        {"tasks": [task(CLASSIFY, "classify_x_to_y"), task(REGRESS, "r", "other")]},
        INVALID,
        "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
    ),
    (
        "MultiInference",
        {"tasks": [task(CLASSIFY, "classify_x_to_y")] * 2},
        INVALID,
        "Duplicate evaluation of signature: classify_x_to_y",
    ),
    (
        "GetModelMetadata",
        {"model_spec": spec()},
        INVALID,
        "GetModelMetadataRequest must specify at least one metadata_field",
    ),
    (
        "GetModelMetadata",
        {"model_spec": spec(), "metadata_field": ["X"]},
        INVALID,
        "Metadata field X is not supported",
    ),
    (
        "GetModelStatus",
        {"model_spec": spec("foo")},
        NOT_FOUND,
        "Could not find any versions of model foo",
    ),
    (
        "GetModelStatus",
        {"model_spec": spec("half", version=5)},
        NOT_FOUND,
        "Could not find version 5 of model half",
    ),
    (
        "HandleReloadConfigRequest",
        {},
        INVALID,
        "ServerModelConfig type not supported by HandleReloadConfigRequest. "
        "Only ModelConfigList is currently supported",
    ),
]


@pytest.mark.parametrize(
    ("method", "request_", "code", "text"),
    CASES,
    ids=[f"{method}-{text[:40]}" for method, _, _, text in CASES],
)
def test_what_is_refused_and_how(server, method, request_, code, text):
    with pytest.raises(grpc.RpcError) as refused:
        call(server, method, request_)
    assert refused.value.code() == code
    if text.endswith("{"):  # what follows is the signature
        assert refused.value.details().startswith(text)
    else:
        assert refused.value.details() == text


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("body", [b"\xff\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\x0a\x05"])
def test_bytes_that_are_no_request_are_the_clients_error(server, method, body):
    with pytest.raises(grpc.RpcError) as refused:
        call(server, method, body)
    assert refused.value.code() == INVALID


def test_a_kernels_own_error_comes_through(server):
    inputs = {"a": tensor([1, 2]), "b": tensor([1, 2, 3], np.int64)}
    request = predict(inputs, name="types", signature_name="pair")
    with pytest.raises(grpc.RpcError) as refused:
        call(server, "Predict", request)
    assert refused.value.code() == INVALID
    assert "Incompatible shapes: [" in refused.value.details()


def test_a_long_text_is_cut(server):
    with pytest.raises(grpc.RpcError) as refused:
        call(server, "Predict", predict(signature_name="s" * 5000))
    text = refused.value.details()
    assert text.endswith("...TRUNCATED")
    assert len(text) == 1024 + len("...TRUNCATED")


@pytest.mark.parametrize(
    ("name", "kept"), [("你" * 1100, 332), ("é" * 1100, 498), ("%" * 1100, 996)]
)
def test_a_text_is_cut_by_its_bytes_between_two_characters(server, name, kept):
    with pytest.raises(grpc.RpcError) as refused:
        call(server, "Predict", predict(name=name))
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND
    text = refused.value.details()
    # 1,024 bytes, of which "Servable not found for request: Latest(" takes 39.
    assert (
        text == f"Servable not found for request: Latest({name}"[: len(text) - 12] + "...TRUNCATED"
    )


@pytest.mark.parametrize("outputs", [[], ["y"]])
def test_predict(server, outputs):
    answer = call(server, "Predict", predict(outputs=outputs))
    assert list(answer.outputs) == ["y"]
    assert answer.outputs["y"].float_val == [3.0]
    assert answer.outputs["y"].tensor_content == b""
    assert answer.model_spec.name == "half"
    assert answer.model_spec.version.value == 123
    assert answer.model_spec.signature_name == "serving_default"


@pytest.mark.parametrize("choice", [{"version": 123}, {"version_label": "stable"}])
def test_a_version_by_number_and_by_label(server, choice):
    answer = server.predict(predict_request(**choice))
    assert answer.model_spec.version.value == 123
    assert answer.model_spec.WhichOneof("version_choice") == "version"


def test_status_ignores_a_label(server):
    answer = call(server, "GetModelStatus", {"model_spec": spec(version_label="ANYTHING")})
    (status,) = answer.model_version_status
    assert (status.version, status.state, status.status.error_code) == (123, 30, 0)


def test_metadata_holds_the_signatures(server):
    request = {"model_spec": spec(), "metadata_field": ["signature_def"]}
    answer = call(server, "GetModelMetadata", request)
    assert answer.model_spec.signature_name == ""
    assert list(answer.metadata) == ["signature_def"]
    found = get_model_metadata_pb2.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(found)
    assert found.signature_def["serving_default"].inputs["x"].name == "x:0"


def test_classify_and_regress(server):
    request = {"model_spec": spec(signature_name="classify_labels"), "input": examples(2, 4)}
    answer = call(server, "Classify", request)
    found = [[(c.label, c.score) for c in each.classes] for each in answer.result.classifications]
    assert found == [[("half", 3.0)], [("half", 4.0)]]
    request = {"model_spec": spec(signature_name="regress_x_to_y"), "input": examples(2)}
    answer = call(server, "Regress", request)
    assert [each.value for each in answer.result.regressions] == [3.0]
    assert answer.model_spec.version.value == 123


def test_context_is_part_of_each_example(server):
    (two,) = examples(2)["example_list"]["examples"]
    given = {"example_list_with_context": {"context": two, "examples": [tf.train.Example()] * 2}}
    request = {"model_spec": spec(signature_name="regress_x_to_y"), "input": given}
    answer = call(server, "Regress", request)
    assert [each.value for each in answer.result.regressions] == [3.0, 3.0]


def test_multi_inference_answers_in_order(server):
    tasks = [task(REGRESS, "regress_x_to_y"), task(CLASSIFY, "classify_x_to_y")]
    answer = call(server, "MultiInference", {"tasks": tasks, "input": examples(2)})
    first, second = answer.results
    assert first.regression_result.regressions[0].value == 3.0
    assert second.classification_result.classifications[0].classes[0].score == 3.0
    assert second.model_spec.signature_name == "classify_x_to_y"


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("float32", [[0.1, -2.5], [3e38, 0]]),
        ("float64", [1e300, 1 / 3]),
        ("float16", [0.5, -2]),
        ("int8", [-128, 127]),
        ("int16", [-32768, 5]),
        ("int32", [-(2**31), 2**31 - 1]),
        ("int64", [-(2**63), 2**63 - 1]),
        ("uint8", [0, 255]),
        ("uint32", [2**32 - 1]),
        ("uint64", [2**64 - 1]),
        ("bool", [True, False]),
    ],
)
@pytest.mark.parametrize("as_content", [True, False])
def test_each_type_there_and_back(server, dtype, values, as_content):
    array = np.array(values, dtype)
    proto = tf.make_tensor_proto(array)
    if not as_content:
        proto.ClearField("tensor_content")
        field = {"float32": "float_val", "float64": "double_val", "float16": "half_val",
                 "int64": "int64_val", "uint32": "uint32_val", "uint64": "uint64_val",
                 "bool": "bool_val"}.get(dtype, "int_val")  # fmt: skip
        source = array.view(np.uint16) if dtype == "float16" else array
        proto.ClearField(field)
        getattr(proto, field).extend(source.ravel().tolist())
    answer = call(server, "Predict", predict({"x": proto}, name="types", signature_name=dtype))
    np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["y"]), array)


@pytest.mark.parametrize(
    ("signature", "given", "expected"),
    [("string", b"ab\0\0", b"ab\0\0"), ("joined", [b"a", b"\xff\0", b"\0"], b"a\xff\0\0")],
)
def test_a_string_without_axes_keeps_its_zeros(server, signature, given, expected):
    request = predict({"x": tf.make_tensor_proto(given)}, name="types", signature_name=signature)
    answer = call(server, "Predict", request).outputs["y_bytes"]
    assert (list(answer.string_val), len(answer.tensor_shape.dim)) == ([expected], 0)


def test_strings_there_and_back(server):
    proto = tf.make_tensor_proto([[b"a", b"\xff\x00"]])
    request = predict({"x": proto}, name="types", signature_name="string")
    answer = call(server, "Predict", request)
    assert answer.outputs["y_bytes"].string_val == [b"a", b"\xff\x00"]
    # TensorFlow writes strings as content too: their lengths, then all of them.
    content = {
        "dtype": 7,
        "tensor_shape": {"dim": [{"size": 2}]},
        "tensor_content": b"\x01\x02a\xff\x00",
    }
    request = predict({"x": content}, name="types", signature_name="string")
    assert call(server, "Predict", request).outputs["y_bytes"].string_val == [b"a", b"\xff\x00"]


@pytest.mark.parametrize(
    ("given", "read"), [([1, 2], [1, 2, 2]), ([], [0, 0, 0]), ([1, 2, 3, 4], [1, 2, 3])]
)
def test_values_that_lack_repeat_the_last(server, given, read):
    proto = {"dtype": 1, "tensor_shape": {"dim": [{"size": 3}]}, "float_val": given}
    request = predict({"x": proto}, name="types", signature_name="float32")
    assert call(server, "Predict", request).outputs["y"].float_val == read


@pytest.mark.parametrize(
    "proto",
    [
        {"dtype": 1, "tensor_shape": {"dim": [{"size": 0}, {"size": 2**62}]}},
        {"dtype": 1, "tensor_shape": {"dim": [{"size": -1}]}, "float_val": [1]},
        {"dtype": 1, "tensor_shape": {"dim": [{"size": 1}] * 100}, "float_val": [1]},
        {"dtype": 1, "tensor_shape": {"unknown_rank": True}, "float_val": [1]},
        {"dtype": 0},
        {"dtype": 20},
        {"dtype": 7, "tensor_shape": {"dim": [{"size": 2}]}, "tensor_content": b"\x80\x80"},
        {"dtype": 7, "tensor_shape": {"dim": [{"size": 1}]}, "tensor_content": b"\x7fa"},
    ],
)
def test_a_tensor_that_cannot_be_is_refused(server, proto):
    with pytest.raises(grpc.RpcError) as refused:
        call(server, "Predict", predict({"x": proto}, name="types", signature_name="float32"))
    assert (refused.value.code(), refused.value.details()[:21]) == (
        INVALID,
        "tensor parsing error:",
    )


def test_large_outputs_are_whole(server):
    array = np.random.default_rng(0).normal(size=(50, 40)).astype(np.float32)
    request = predict({"x": tensor(array)}, name="types", signature_name="float32")
    answer = call(server, "Predict", request)
    np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["y"]), array)
    assert len(answer.outputs["y"].float_val) == 2000


def test_an_empty_batch(server):
    request = predict({"x": tensor(np.zeros((0, 1)))})
    answer = call(server, "Predict", request)
    assert tf.make_ndarray(answer.outputs["y"]).shape == (0, 1)


def test_what_the_server_does_not_do_is_unimplemented(server):
    for path in (("SessionService", "SessionRun"), ("PredictionService", "PredictStreamed")):
        with pytest.raises(grpc.RpcError) as refused:
            server.call(*path, b"", predict_pb2.PredictResponse)
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
