"""What is checked before a model runs or a server starts: inputs, versions, flags, ports."""

import errno
from types import SimpleNamespace

import numpy as np
import pytest

from deployworkbook.serving.embedded import models
from deployworkbook.serving.embedded.budget import MemoryBudget
from deployworkbook.serving.embedded.config import ModelConfig
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.flags import Options, complaint
from deployworkbook.serving.embedded.models import Catalogue, Model, Version, VersionState
from deployworkbook.serving.embedded.ports import refusal
from deployworkbook.serving.embedded.predict import predict, predict_arrays
from deployworkbook.serving.embedded.protos import predict_pb2, tf
from deployworkbook.serving.embedded.servable import ServableSignature

MIB = 2**20
FLOAT = tf.float32.as_datatype_enum


class Sum:
    """A model of two inputs, a and b, and the outputs sum and b; b may have a default."""

    name, version = "m", 7

    def __init__(self, **defaults):
        protos = {name: tf.make_tensor_proto(np.float32(each)) for name, each in defaults.items()}
        self.signatures = {
            "serving_default": ServableSignature(
                "serving_default",
                SimpleNamespace(defaults=protos),
                (("a", "a:0", FLOAT), ("b", "b:0", FLOAT)),
                {"b": "b:0", "sum": "sum:0"},
            )
        }
        self.fetched = []

    def run(self, api, feeds, fetches, arrays):
        assert (api, feeds) == ("Predict", ["a:0", "b:0"])
        self.fetched.append(fetches)
        results = {"sum:0": arrays[0] + arrays[1], "b:0": arrays[1]}
        return [results[fetch] for fetch in fetches]


def asked(output_filter=(), **inputs):
    request = predict_pb2.PredictRequest(output_filter=output_filter)
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(np.array(value, np.float32)))
    return request


@pytest.fixture
def account():
    with MemoryBudget(request_bytes=MIB, in_flight_bytes=MIB).account() as opened:
        yield opened


def answered(model, account, **given):
    outputs = predict(model, asked(**given), account).outputs
    return {name: tf.make_ndarray(each).tolist() for name, each in outputs.items()}


def test_an_input_with_a_default_may_be_left_out(account):
    assert answered(Sum(b=3), account, a=[1, 2]) == {"sum": [4, 5], "b": 3}
    assert answered(Sum(b=3), account, a=[1, 2], b=[10, 20]) == {"sum": [11, 22], "b": [10, 20]}
    assert answered(Sum(a=1, b=3), account) == {"sum": 4, "b": 3}


@pytest.mark.parametrize(
    ("model", "inputs", "words"),
    [
        (Sum(), {"a": 1}, r"1!=2 .*Sent extra: \{\}. Missing but required: \{b\}"),
        (Sum(b=3), {"b": 1}, r"alias: a\(feed name: a:0\) not found .*\{b\}, or default .*: b$"),
        (Sum(b=3), {"a": 1, "c": 1, "b": 2}, r"3!=2 .*Sent extra: \{c\}"),
        (Sum(), {"a": 1, "c": 1}, r"alias: b\(feed name: b:0\) not found"),
    ],
)
def test_inputs_that_are_missing_or_too_many(model, inputs, words, account):
    with pytest.raises(ServingError, match=words):
        predict(model, asked(**inputs), account)
    assert model.fetched == []


def test_outputs_are_asked_of_the_graph_in_a_fixed_order(account):
    model = Sum()
    for names in (["b", "sum"], ["sum", "b"], []):
        predict(model, asked(names, a=1, b=2), account)
    assert model.fetched == [["b:0", "sum:0"]] * 3
    assert answered(model, account, output_filter=["sum"], a=1, b=2) == {"sum": 3}
    assert model.fetched[-1] == ["sum:0"]


def test_a_wrong_type_names_the_inputs_place(account):
    arrays = {"a": np.zeros(1, np.float32), "b": np.zeros(1)}
    model = Sum()
    with pytest.raises(ServingError, match=r"arg\[1\] to be float but double is provided"):
        predict_arrays(model, model.signatures["serving_default"], arrays)


def test_inputs_are_returned_to_the_budget_and_answers_count_four_times(account):
    predict(Sum(), asked(a=[1] * 100, b=[2] * 100), account)
    assert account.held_bytes == 4 * 2 * 400


def test_the_answer_names_version_and_signature(account):
    spec = predict(Sum(), asked(a=1, b=2), account).model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("m", 7, "serving_default")


@pytest.fixture
def catalogue(tmp_path):
    made = Catalogue()
    model = Model(ModelConfig("m", tmp_path), labels={"stable": 1, "old": 5})
    for number, state in ((1, 30), (3, 30), (5, 50), (9, 20)):
        version = Version(number, tmp_path, VersionState(state), servable=f"version {number}")
        model.versions[number] = version
    made.models["m"] = model
    return made


@pytest.mark.parametrize(
    ("choice", "found"), [({}, 3), ({"version": 1}, 1), ({"label": "stable"}, 1)]
)
def test_a_request_holds_the_version_that_it_asks_for(catalogue, choice, found):
    version = catalogue.models["m"].versions[found]
    with catalogue.servable("m", **choice) as servable:
        assert servable == f"version {found}"
        with catalogue.servable("m", **choice):
            assert version.running == 2
        assert version.running == 1
    assert version.running == 0


@pytest.mark.parametrize(
    ("name", "choice", "code", "words"),
    [
        ("n", {}, Code.NOT_FOUND, r"Latest\(n\)"),
        ("n", {"version": 0}, Code.NOT_FOUND, r"Specific\(n, 0\)"),
        ("m", {"version": 5}, Code.NOT_FOUND, r"Specific\(m, 5\)"),
        ("m", {"version": 9}, Code.NOT_FOUND, r"Specific\(m, 9\)"),
        ("m", {"label": "old"}, Code.NOT_FOUND, r"Specific\(m, 5\)"),
        ("m", {"label": "new"}, Code.INVALID_ARGUMENT, "label: new"),
        ("n", {"label": "stable"}, Code.INVALID_ARGUMENT, "label: stable"),
    ],
)
def test_versions_that_cannot_be_lent(catalogue, name, choice, code, words):
    with pytest.raises(ServingError, match=words) as refused, catalogue.servable(name, **choice):
        pass
    assert refused.value.code == code
    assert all(not version.running for version in catalogue.models["m"].versions.values())


def test_who_unloads_a_version_is_told_when_its_last_request_ends(catalogue, monkeypatch):
    told = []
    monkeypatch.setattr(catalogue.changed, "notify_all", lambda: told.append(1))
    version = catalogue.models["m"].versions[3]
    with catalogue.servable("m"):
        version.state = VersionState.UNLOADING
    assert (version.running, told) == (0, [1])
    with catalogue.servable("m"):  # version 1 now, which stays
        pass
    assert told == [1]


def test_states_are_listed_newest_first(catalogue):
    assert [each.number for each in catalogue.status("m")] == [9, 5, 3, 1]
    assert [each.number for each in catalogue.status("m", 5)] == [5]
    for name, version, words in (("m", 0, "version 0 of model m"), ("n", None, "of model n")):
        with pytest.raises(ServingError, match=words) as refused:
            catalogue.status(name, version)
        assert refused.value.code == Code.NOT_FOUND


def test_the_last_unloaded_models_are_remembered(catalogue, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "MOST_ENDED", 2)

    def ended(name, *numbers):
        versions = {number: Version(number, tmp_path) for number in numbers}
        return Model(ModelConfig(name, tmp_path), versions)

    catalogue.keep_ended([ended("a", 1), ended("b", 1), ended("empty")])
    assert list(catalogue.ended) == ["a", "b"]
    catalogue.keep_ended([ended("a", 2), ended("c", 1)])
    assert list(catalogue.ended) == ["a", "c"]
    assert [each.number for each in catalogue.status("a")] == [2]
    catalogue.keep_ended([ended("a")])
    assert list(catalogue.ended) == ["c"]


def test_a_model_without_an_available_version_says_why(catalogue):
    model = catalogue.models["m"]
    assert catalogue.problem("m") == ""
    for version in model.versions.values():
        version.state = VersionState.END
    assert "No versions of servable m found under base path" in catalogue.problem("m")
    model.versions[3].error = ServingError(Code.NOT_FOUND, "no graph")
    assert catalogue.problem("m") == "{name: m version: 3} due to error: NOT_FOUND: no graph"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"port": 1}, ""),
        ({"port": 65535}, ""),
        ({"port": 65536}, "--port: expected a number from 0 to 65535"),
        ({"port": -1}, "--port: expected a number from 0 to 65535"),
        ({"rest_api_port": 65536}, "--rest_api_port: expected a number"),
        ({"rest_api_port": 65535, "port": 0}, ""),
        ({"port": 0}, "No port to listen on"),
        ({"port": 9000, "rest_api_port": 9000}, "are both 9000"),
        ({"model_base_path": None}, "Nothing to serve"),
        ({"model_base_path": None, "model_config_file": "c"}, ""),
        ({"batching_parameters_file": "b"}, "needs --enable_batching"),
        ({"batching_parameters_file": "b", "enable_batching": True}, ""),
        ({"max_connections": 1, "max_concurrent_requests": 1, "max_request_bytes": 1}, ""),
        ({"max_connections": 0}, "--max_connections: expected at least 1"),
        ({"max_concurrent_requests": 0}, "--max_concurrent_requests: expected at least 1"),
        ({"max_request_bytes": 0}, "--max_request_bytes: expected at least 1"),
        ({"max_request_memory_bytes": 0}, "--max_request_memory_bytes: expected at least 1"),
        ({"max_request_memory_bytes": MIB, "max_in_flight_memory_bytes": MIB}, ""),
        (
            {"max_request_memory_bytes": MIB, "max_in_flight_memory_bytes": MIB - 1},
            "--max_in_flight_memory_bytes: expected at least --max_request_memory_bytes, 1048576. "
            "Received: 1048575",
        ),
    ],
)
def test_options_that_contradict_themselves(options, words):
    found = complaint(Options(**{"model_base_path": "/m", **options}))
    assert words in found
    assert bool(found) == bool(words)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EADDRINUSE, "Name another port"),
        (errno.EACCES, "Name a port from 1024 on"),
        (errno.EADDRNOTAVAIL, "Name an address of this machine"),
    ],
)
def test_a_port_that_is_not_to_be_had_has_a_remedy(number, remedy):
    said = refusal("::1", 80, OSError(number, "The system's words"))
    assert said.startswith(f"Can't listen on [::1]:80: The system's words. {remedy}")
