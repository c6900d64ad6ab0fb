"""What a request takes is counted before it is allocated: tensors, documents, messages, answers."""

import gzip
import json
import random

import grpc
import numpy as np
import pytest

from deployworkbook.serving.embedded import json_pieces, json_text
from deployworkbook.serving.embedded.budget import FREE_BYTES, MemoryBudget
from deployworkbook.serving.embedded.errors import ServingError
from deployworkbook.serving.embedded.json_numbers import Numbers, decoded_bytes, plain
from deployworkbook.serving.embedded.metrics import Metrics
from deployworkbook.serving.embedded.protos import (
    Example,
    TensorProto,
    classification_pb2,
    predict_pb2,
    tf,
)
from deployworkbook.serving.embedded.service import Service
from deployworkbook.serving.embedded.tensors import to_array
from deployworkbook.serving.embedded.wire import parsed_bytes
from tests.serving.conftest import predict_request

MIB = 2**20
DIMENSION = b"\x12\x00"  # an empty dimension of a shape, in two bytes


@pytest.fixture
def budget():
    return MemoryBudget(request_bytes=64 * MIB, in_flight_bytes=128 * MIB)


@pytest.fixture(scope="module")
def narrow(start, half, all_types, tmp_path_factory):
    """A server whose requests may take 8 MiB each, and 12 MiB together."""
    config = tmp_path_factory.mktemp("narrow") / "models.config"
    config.write_text(
        f"""model_config_list {{
          config {{ name: "half" base_path: "{half}" model_platform: "tensorflow" }}
          config {{ name: "types" base_path: "{all_types}" model_platform: "tensorflow" }} }}"""
    )
    return start(
        model_config_file=config,
        max_request_memory_bytes=8 * MIB,
        max_in_flight_memory_bytes=12 * MIB,
    )


def tensor(dtype, shape, **values):
    proto = TensorProto(dtype=tf.as_dtype(dtype).as_datatype_enum, **values)
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    return proto


@pytest.mark.parametrize(
    "bomb",
    [
        tensor("string", [32768], string_val=[b"a" * MIB]),
        tensor("string", [2**20], string_val=[b"a" * 1024]),
        tensor("string", [2**26], string_val=[b""]),
        tensor("string", [2**26], tensor_content=b"\x00" * 1000),
        tensor("float32", [2**26], float_val=[1]),
        tensor("float32", [2**40], float_val=[1]),
        tensor("float32", [2**20, 2**20]),
        tensor("float32", [2**40, 0]),
        tensor("bool", [2**27]),
    ],
    ids=lambda proto: str(proto.tensor_shape.dim[0].size) + f"-{proto.dtype}",
)
def test_small_tensors_of_huge_shapes_are_refused_before_they_are_made(budget, bomb):
    with budget.account() as account, pytest.raises(ServingError) as refused:
        to_array(bomb, "x", account)
    assert refused.value.code.name == "RESOURCE_EXHAUSTED"
    assert "--max_request_memory_bytes" in refused.value.text
    assert budget.taken_bytes == 0


def test_repeated_strings_count_as_sent_ones(budget):
    sent = tensor("string", [100], string_val=[b"a" * 1000] * 100)
    repeated = tensor("string", [100], string_val=[b"a" * 1000])
    held = []
    for proto in (sent, repeated):
        with budget.account() as account:
            assert to_array(proto, "x", account).tolist() == [b"a" * 1000] * 100
            held.append(account.held_bytes)
    assert held[0] == held[1] > 100 * 1000


def test_a_budget_over_all_requests_leaves_small_ones_alone(budget):
    with budget.account() as first, budget.account() as second, budget.account() as third:
        first.reserve(60 * MIB, "a tensor")
        second.reserve(60 * MIB, "a tensor")
        with pytest.raises(ServingError, match="--max_in_flight_memory_bytes"):
            third.reserve(60 * MIB, "a tensor")
        third.reserve(FREE_BYTES, "a small tensor")
        first.release(60 * MIB)
        third.reserve(60 * MIB, "a tensor")
    assert budget.taken_bytes == 0


def test_a_request_that_nobody_waits_for_stops_at_its_next_reservation(budget):
    with budget.account() as account:
        account.cancel()
        with pytest.raises(ServingError, match="CANCELLED"):
            account.reserve(1, "a tensor")


def test_memory_is_held_until_the_last_user_has_left(budget):
    account = budget.account()
    with account:
        account.reserve(10 * MIB, "a tensor")
        account.__enter__()  # a thread that goes on when the client has given up
    assert budget.taken_bytes == 10 * MIB - FREE_BYTES
    account.__exit__(None, None, None)
    assert budget.taken_bytes == 0


def test_a_context_is_counted_for_each_example(narrow, budget):
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = "half"
    request.model_spec.signature_name = "classify_x_to_y"
    service = Service(narrow.server._manager, Metrics())
    given = request.input.example_list_with_context
    given.context.features.feature["a"].bytes_list.value.append(b"a" * MIB)
    given.examples.extend(Example() for _ in range(1000))

    assert request.ByteSize() < 2 * MIB
    with budget.account() as account, pytest.raises(ServingError, match="the examples"):
        service.classify(request, account)


@pytest.mark.parametrize(
    ("message", "body"),
    [
        (predict_pb2.PredictRequest, b"\x12\x00" * 20_000),
        (predict_pb2.PredictRequest, b"\x1a\x00" * 20_000),
        (classification_pb2.ClassificationRequest, b"\x6b\x6c" + b"\x12\x00" * 20_000),
        (TensorProto, b"\x12\xc0\xb8\x02" + DIMENSION * 20_000),
        (TensorProto, b"\x52\xa0\x9c\x01" + b"\x01" * 20_000),
        (TensorProto, b"\x42\x00" * 20_000),
    ],
)
def test_messages_of_many_small_parts_are_counted_before_they_are_parsed(message, body):
    assert parsed_bytes(body, message.DESCRIPTOR, most=2**40) > 14 * len(body)


@pytest.mark.parametrize(
    "number",
    [b"\x2d\0\0\0\x2a", b"\x31\0\0\0\0\0\0\x12\x0a", b"\x50" + b"\xff" * 9 + b"\x01"],
    ids=["float", "double", "a negative int64"],
)
def test_numbers_in_a_message_are_passed_over_as_a_whole(number):
    # Their bytes would otherwise be read as tags of fields.
    count = 10_000
    found = parsed_bytes(number * count, TensorProto.DESCRIPTOR, most=10_000_000)
    assert found == count * (len(number) + 32)  # measured, see the module


def test_a_large_tensor_takes_little_more_than_its_bytes():
    request = predict_request(x=np.zeros(MIB, np.float32))
    body = request.SerializeToString()
    assert parsed_bytes(body, request.DESCRIPTOR, most=2**40) < 2.01 * len(body)


def read(body, budget):
    with budget.account() as account:
        return json_text.parse_object(body, account)


def written_out(value):
    if isinstance(value, Numbers):
        assert np.shape(value.plain()) == value.array.shape
        np.testing.assert_array_equal(np.array(value.plain(), float), value.array.astype(float))
        return value.plain()
    if isinstance(value, dict):
        return {key: written_out(each) for key, each in value.items()}
    return [written_out(each) for each in value] if isinstance(value, list) else value


def some_json(generator, depth=4):
    kind = generator.random()
    if depth == 0 or kind < 0.4:
        return generator.choice(
            [1, 2.5, 2**63, -(2**63), 2**70, True, None, 'a"\\', "[,]{}", "\\\\", "é☃", ""]
        )
    if kind < 0.6:
        width = generator.randint(0, 4)
        return [[generator.choice([1, 2.5]) for _ in range(width)] for _ in range(3)]
    if kind < 0.8:
        return [some_json(generator, depth - 1) for _ in range(generator.randint(0, 4))]
    return {
        generator.choice(["a", "é", 'k"', "x:", "[{"]): some_json(generator, depth - 1)
        for _ in range(generator.randint(0, 4))
    }


def test_documents_read_in_pieces_are_the_same_documents(budget, monkeypatch):
    """Damaged ones too: refused both ways, or read to the same value."""
    monkeypatch.setattr(json_pieces, "_PAUSE_S", 0)
    for seed in range(100):
        generator = random.Random(seed)
        monkeypatch.setattr(json_pieces, "WINDOW_BYTES", generator.choice([1, 2, 7, 30, 200]))
        document = {"instances": some_json(generator), "signature_name": "s"}
        body = bytearray(json.dumps(document, ensure_ascii=seed % 2 == 0, indent=seed % 3).encode())
        if seed % 4 == 3:
            place = generator.randrange(len(body))
            body[place : place + generator.randint(0, 2)] = generator.choice(
                [b"", b"]", b",", b'"', b"\\", b"\xff", b"}", b"{", b"Inf"]
            )
        answers = []
        for whole in (10**9, 0):
            monkeypatch.setattr(json_text, "LARGEST_WHOLE_BYTES", whole)
            try:
                answers.append(written_out(read(bytes(body), budget)))
            except ServingError as error:
                answers.append(error.code)
        assert repr(answers[0]) == repr(answers[1]), seed


def test_a_large_array_of_numbers_takes_eight_bytes_a_number(budget):
    rows = np.arange(60_000).reshape(-1, 3) / 8
    body = json.dumps({"instances": rows.tolist()}).encode()
    with budget.account() as account:
        found = json_text.parse_object(body, account)["instances"]
        assert account.held_bytes < 9 * rows.size
    np.testing.assert_array_equal(found.array, rows)
    assert plain(found)[:2] == rows[:2].tolist()


def test_a_document_of_many_small_values_is_refused_before_it_is_read_to_the_end():
    budget = MemoryBudget(request_bytes=4 * MIB, in_flight_bytes=8 * MIB)
    body = b'{"instances": [' + b'{"a":[]},' * 100_000
    with pytest.raises(ServingError, match="--max_request_memory_bytes"):
        read(body, budget)
    assert budget.taken_bytes == 0


@pytest.mark.parametrize("text", ["[],", "{},", "1,", '"",', '{"a":1},', '"é",', "1.5,"])
def test_the_bound_of_a_document_holds(text):
    """Python's own count: the values that the text is parsed to, each with what it holds."""
    import tracemalloc

    body = b"[" + (text * 2000).encode()[:-1] + b"]"
    tracemalloc.start()
    try:
        value = json.loads(body)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert value
    assert taken <= decoded_bytes(body)


def post(server, path, document):
    return server.post(path, data=json.dumps(document))


def refused_over_grpc(server, request):
    with pytest.raises(grpc.RpcError) as refused:
        server.predict(request)
    return refused.value.code().name, refused.value.details()


def test_bombs_are_refused_over_grpc_and_the_budget_is_whole_again(narrow):
    request = predict_request(x=None)
    request.inputs["x"].CopyFrom(tensor("float32", [2**21], float_val=[1]))
    code, said = refused_over_grpc(narrow, request)
    assert code == "RESOURCE_EXHAUSTED"
    assert "--max_request_memory_bytes" in said
    request = predict_request("types", x=None, signature_name="string")
    request.inputs["x"].CopyFrom(tensor("string", [32768], string_val=[b"a" * MIB]))
    assert refused_over_grpc(narrow, request)[0] == "RESOURCE_EXHAUSTED"
    assert narrow.predict(predict_request()).outputs["y"].float_val == [3.0]
    assert narrow.server._budget.taken_bytes == 0


def test_answers_that_take_too_much_are_refused(narrow):
    """The request fits: 2 MiB of numbers; as text and its copies they do not."""
    request = predict_request("types", x=None, signature_name="int8")
    request.inputs["x"].CopyFrom(tensor("int8", [2**20], int_val=[1]))
    assert len(narrow.predict(request).outputs["y"].int_val) == 2**20
    answer = post(narrow, "half:predict", {"instances": [1.5] * 2**18})
    assert answer.status_code == 429
    assert "the answer" in answer.json()["error"]


def test_bodies_that_take_too_much_are_refused(narrow):
    many = {"instances": [{"x": []}] * 40_000}
    answer = post(narrow, "half:predict", many)
    assert answer.status_code == 429
    assert "--max_request_memory_bytes" in answer.json()["error"]
    bomb = gzip.compress(b" " * 30 * MIB)
    answer = narrow.post("half:predict", data=bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 429
    assert "the inflated body" in answer.json()["error"]
    assert narrow.post("half:predict", {"instances": [2.0]}).json() == {"predictions": [3.0]}
    assert narrow.server._budget.taken_bytes == 0


@pytest.mark.parametrize(
    ("signature", "rows"),
    [
        ("float32", [[0.5, 1], [2, 3]]),
        ("int64", [[1, -(2**63)], [2, 2**63 - 1]]),
        ("uint64", [[1, 2**64 - 1], [2, 3]]),
        ("bool", [[True, False], [False, True]]),
        ("string", [[{"b64": "YQ=="}, {"b64": "Yg=="}]] * 2),
    ],
)
def test_long_bodies_are_answered_as_short_ones(server, signature, rows):
    """Above 256 KiB a body is read in pieces."""
    copies = 300_000 // len(json.dumps(rows))
    short = {"signature_name": signature, "instances": rows}
    long = {"signature_name": signature, "instances": rows * copies}
    once = post(server, "types:predict", short).json()["predictions"]
    body = json.dumps(long).encode()
    assert len(body) > json_text.LARGEST_WHOLE_BYTES
    assert server.post("types:predict", data=body).json()["predictions"] == once * copies


@pytest.mark.parametrize(
    ("signature", "wrong", "text"),
    [
        ("int64", 2.5, "JSON Value: 2.5 Type: Number is not of expected type: int64"),
        ("float32", "a", 'JSON Value: "a" Type: String is not of expected type: float'),
        ("float32", [1], "Expecting shape [] but got: [1]"),
    ],
)
def test_errors_in_long_bodies_name_the_value(server, signature, wrong, text):
    document = {"signature_name": signature, "instances": [10**12] * 20_000 + [wrong]}
    answer = post(server, "types:predict", document)
    assert answer.status_code == 400
    assert text in answer.json()["error"]
