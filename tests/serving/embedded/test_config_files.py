"""The files that flags name: what each field means, and which contents are refused."""

import pytest

from deployworkbook.serving.embedded.config import (
    models_of,
    read_metrics_path,
    read_models,
    read_ssl,
)
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.protos import model_server_config_pb2
from deployworkbook.serving.embedded.versions import Policy
from tests.serving.conftest import write

TENSORFLOW = 'model_platform: "tensorflow"'


def entry(more="", *, name='name: "a"', path='base_path: "/m"', platform=TENSORFLOW):
    return f"config {{ {name} {path} {platform} {more} }}"


@pytest.fixture
def read(tmp_path):
    """Read the models of a file that lists these entries."""

    def read_entries(*entries):
        listed = f"model_config_list {{ {' '.join(entries)} }}"
        return read_models(write(tmp_path / "models.config", listed))

    return read_entries


@pytest.mark.parametrize(
    ("given", "policy"),
    [
        ("", Policy()),
        ("model_version_policy { latest {} }", Policy("latest", count=1)),
        ("model_version_policy { latest { num_versions: 1 } }", Policy("latest", count=1)),
        ("model_version_policy { latest { num_versions: 3 } }", Policy("latest", count=3)),
        ("model_version_policy { all {} }", Policy("all")),
        (
            "model_version_policy { specific { versions: 7 versions: 2 } }",
            Policy("specific", numbers=(7, 2)),
        ),
    ],
)
def test_version_policies_of_a_model(read, given, policy):
    [model] = read(entry(given))
    assert model.policy == policy


def test_models_keep_their_order_paths_and_labels(read):
    labels = 'version_labels { key: "stable" value: 3 } version_labels { key: "canary" value: 4 }'
    first, second = read(entry(labels), entry(name='name: "b"', path='base_path: "file:///n"'))
    assert (first.name, str(first.base_path), first.labels) == (
        "a",
        "/m",
        {"stable": 3, "canary": 4},
    )
    assert (second.name, str(second.base_path), second.labels) == ("b", "/n", {})


def test_the_older_model_type_is_enough(read):
    [model] = read(entry(platform="model_type: TENSORFLOW"))
    assert model.name == "a"


@pytest.mark.parametrize(
    ("entries", "code", "words"),
    [
        ([entry(), entry()], Code.INVALID_ARGUMENT, "list model a multiple times"),
        ([entry(platform="")], Code.INVALID_ARGUMENT, "neither ModelServerConfig::model_type"),
        (
            [entry(platform='model_platform: "onnx"')],
            Code.INVALID_ARGUMENT,
            "Unsupported model_platform: onnx",
        ),
        ([entry(name="")], Code.INVALID_ARGUMENT, "has no name"),
        ([entry(path="")], Code.INVALID_ARGUMENT, r"model a to have an absolute path"),
        ([entry(path='base_path: "m/n"')], Code.INVALID_ARGUMENT, r"base_path\(\)=m/n"),
        ([entry(path='base_path: "gs://m"')], Code.UNIMPLEMENTED, "Model a: .*gs://"),
        (
            [entry("model_version_policy { specific {} }")],
            Code.INVALID_ARGUMENT,
            "specific has no versions",
        ),
        ([entry("no_such_field: 1")], Code.INVALID_ARGUMENT, "ModelServerConfig: .*no_such_field"),
    ],
)
def test_models_that_cannot_be_served(read, entries, code, words):
    with pytest.raises(ServingError, match=words) as refused:
        read(*entries)
    assert refused.value.code == code


def test_custom_models_are_not_done():
    config = model_server_config_pb2.ModelServerConfig()
    config.custom_model_config.type_url = "a"
    with pytest.raises(ServingError, match="custom_model_config") as refused:
        models_of(config)
    assert refused.value.code == Code.UNIMPLEMENTED


def test_an_empty_file_changes_nothing_but_an_empty_list_serves_nothing(read, tmp_path):
    assert read_models(write(tmp_path / "empty", "")) is None
    assert read() == []


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ServingError, match="binary"):
        read_models(tmp_path / "binary")


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("", None),
        ("prometheus_config {}", None),
        ('prometheus_config { path: "/m" }', None),
        ("prometheus_config { enable: true }", "/monitoring/prometheus/metrics"),
        ('prometheus_config { enable: true path: "/m" }', "/m"),
    ],
)
def test_metrics_are_shown_where_the_file_says(tmp_path, given, path):
    assert read_metrics_path(write(tmp_path / "monitoring", given)) == path


def test_a_file_for_tls_needs_key_and_certificate(tmp_path):
    both = 'server_key: "k" server_cert: "c"'
    found = read_ssl(write(tmp_path / "ssl", f'{both} custom_ca: "a" client_verify: true'))
    assert (found.server_key, found.server_cert) == ("k", "c")
    assert (found.custom_ca, found.client_verify) == ("a", True)
    for half in ("", 'server_key: "k"', 'server_cert: "c"'):
        with pytest.raises(ServingError, match="expected server_key and server_cert"):
            read_ssl(write(tmp_path / "ssl", half))
