"""Versions come and go while requests are answered."""

import gc
import shutil
import threading
import time
import weakref
from dataclasses import replace

import grpc
import pytest
import requests

from deployworkbook.serving.api.version_folders import version_number, versions_below
from deployworkbook.serving.client.connecting import connect
from deployworkbook.serving.embedded.config import ModelConfig, read_models
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.manager import Manager
from deployworkbook.serving.embedded.models import (
    MOST_ENDED,
    Catalogue,
    Model,
    Version,
    VersionState,
)
from deployworkbook.serving.embedded.protos import (
    get_model_status_pb2,
    model_management_pb2,
    predict_pb2,
    prediction_log_pb2,
    tf,
)
from deployworkbook.serving.embedded.versions import Policy
from tests.serving import models
from tests.serving.conftest import predict_request, write
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three models: y = x / 2 + 1, + 2, + 3."""
    folder = tmp_path_factory.mktemp("made")
    return {
        number: models.half_plus_two(folder / str(number), add=float(number))
        for number in (1, 2, 3)
    }


@pytest.fixture
def publish(made, tmp_path):
    """Put a version into a folder at once, as a careful publisher does."""

    def put(base, number, source=None):
        unfinished = tmp_path / "unfinished"
        if source == "broken":
            unfinished.mkdir()
            (unfinished / "saved_model.pb").write_bytes(b"no model at all")
        else:
            shutil.copytree(made[source or number], unfinished)
        base.mkdir(exist_ok=True)
        unfinished.rename(base / str(number))

    return put


def states(server, name="default"):
    request = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": name})
    answer = server.call(
        "ModelService", "GetModelStatus", request, get_model_status_pb2.GetModelStatusResponse
    )
    return {s.version: (s.state, s.status.error_code) for s in answer.model_version_status}


def version_of(server, name="default", **spec):
    return server.predict(predict_request(name, **spec)).model_spec.version.value


def test_which_children_of_a_folder_are_versions(tmp_path):
    for name in ("1", "0012", "v3", "-4", "5.0", "", "9223372036854775808", "١"):
        (tmp_path / name).mkdir(exist_ok=True)
    assert sorted(versions_below(tmp_path)) == [-4, 1, 12]
    assert version_number("9" * 10_000) is None


def test_of_two_folders_of_one_version_the_last_by_name_is_served(start, publish, tmp_path, caplog):
    publish(tmp_path / "m", 1)
    publish(tmp_path / "m", 2)
    (tmp_path / "m" / "2").rename(tmp_path / "m" / "0001")  # y = x / 2 + 2 in place of + 1
    assert versions_below(tmp_path / "m") == {1: tmp_path / "m" / "1"}
    server = start(model_base_path=tmp_path / "m")
    wait_until(lambda: version_of(server) == 1)
    assert server.predict(predict_request("default", [0.0])).outputs["y"].float_val == [1.0]
    said = "Duplicate version directories detected. Version 1 will be loaded from 1, 0001 will be"
    server.server._manager.poll()
    assert caplog.text.count(said) == 1


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [
        (Policy(), [9]),
        (Policy("latest", count=2), [9, 5]),
        (Policy("all"), [9, 5, 1]),
        (Policy("specific", numbers=(1, 5, 7)), [5, 1]),
    ],
)
def test_policies(policy, chosen):
    assert policy.choose([1, 9, 5]) == chosen


def test_a_new_version_is_loaded_and_then_the_old_unloaded(start, publish, tmp_path):
    base = tmp_path / "model"
    publish(base, 1)
    server = start(model_base_path=base)
    assert version_of(server) == 1
    publish(base, 2)
    wait_until(lambda: states(server).get(2) == (30, 0))
    assert version_of(server) == 2
    # What was unloaded stays listed.
    wait_until(lambda: states(server)[1] == (50, 0))
    with pytest.raises(grpc.RpcError) as refused:
        version_of(server, version=1)
    assert refused.value.details() == "Servable not found for request: Specific(default, 1)"
    # The newest deleted: the previous one is back.
    shutil.rmtree(base / "2")
    wait_until(lambda: version_of(server) == 1)
    # The folder gone for a moment: nothing is lost.
    base.rename(tmp_path / "away")
    time.sleep(0.3)
    assert version_of(server) == 1
    # All versions deleted: nothing is served.
    base.mkdir()
    wait_until(lambda: states(server)[1] == (50, 0))
    with pytest.raises(grpc.RpcError, match=r"Latest\(default\)"):
        version_of(server)


def test_a_broken_version_takes_no_good_one_down(start, publish, tmp_path):
    base = tmp_path / "model"
    publish(base, 1)
    server = start(model_base_path=base)
    publish(base, 2, "broken")
    wait_until(lambda: 2 in states(server) and states(server)[2][0] == 50)
    assert states(server)[1] == (30, 0)
    assert states(server)[2][1] != 0
    (said,) = server.get("/default/versions/2").json()["model_version_status"]
    assert said["state"] == "END"
    assert said["status"]["error_message"]
    assert version_of(server) == 1
    publish(base, 3)
    wait_until(lambda: version_of(server) == 3)


def test_a_failed_load_is_tried_again(start, publish, tmp_path):
    base = tmp_path / "model"
    publish(base, 1)
    server = start(
        model_base_path=base, max_num_load_retries=100, load_retry_interval_micros=50_000
    )
    publish(base, 2, "broken")
    wait_until(lambda: states(server).get(2, (0,))[0] == 20)
    shutil.rmtree(base / "2")
    publish(base, 2)
    wait_until(lambda: version_of(server) == 2)


@pytest.mark.parametrize("batching", [False, True])
def test_six_hot_swaps_under_load_and_no_request_fails(batching, start, publish, tmp_path):
    base = tmp_path / "model"
    publish(base, 1, 1)
    server = start(model_base_path=base, enable_batching=batching)
    failures, seen, done = [], set(), threading.Event()

    def ask(call):
        while not done.is_set():
            try:
                seen.add(call())
            except Exception as error:
                failures.append(error)

    def over_rest():
        answer = server.post("default:predict", {"instances": [2.0]})
        assert answer.json()["predictions"][0] in (2.0, 3.0, 4.0), answer.text

    threads = [
        threading.Thread(target=ask, args=(call,))
        for call in (lambda: version_of(server), lambda: version_of(server), over_rest)
    ]
    for thread in threads:
        thread.start()
    for number in range(2, 8):
        publish(base, number, number % 3 + 1)
        wait_until(lambda number=number: number in seen)
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(range(1, 8)) <= seen


def config_of(*entries):
    return f"model_config_list {{ {' '.join(entries)} }}"


def entry(name, base, more=""):
    return f'config {{ name: "{name}" base_path: "{base}" model_platform: "tensorflow" {more} }}'


def test_several_models_policies_and_labels(start, publish, tmp_path):
    for number in (1, 2, 3):
        publish(tmp_path / "a", number)
        publish(tmp_path / "b", number)
    labels = 'version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 3 }'
    text = config_of(
        entry("a", tmp_path / "a", f"model_version_policy {{ all {{}} }} {labels}"),
        entry(
            "b",
            tmp_path / "b",
            "model_version_policy { specific { versions: 1 versions: 2 versions: 9 } }",
        ),
    )
    server = start(model_config_file=write(tmp_path / "models.config", text))
    assert states(server, "a") == {1: (30, 0), 2: (30, 0), 3: (30, 0)}
    assert states(server, "b") == {1: (30, 0), 2: (30, 0)}
    assert version_of(server, "a", version_label="stable") == 1
    assert version_of(server, "a", version_label="canary") == 3
    assert version_of(server, "b") == 2


def reload(server, text):
    from google.protobuf import text_format

    request = model_management_pb2.ReloadConfigRequest()
    text_format.Parse(text, request.config)
    return server.call(
        "ModelService",
        "HandleReloadConfigRequest",
        request,
        model_management_pb2.ReloadConfigResponse,
    )


def test_reload_is_the_full_wanted_set(start, publish, tmp_path):
    publish(tmp_path / "a", 1)
    publish(tmp_path / "b", 2)
    server = start(model_config_file=write(tmp_path / "c", config_of(entry("a", tmp_path / "a"))))
    both = config_of(entry("a", tmp_path / "a"), entry("b", tmp_path / "b"))
    assert reload(server, both).status.error_code == 0
    assert version_of(server, "b") == 2
    for text, code, words in [
        (
            config_of(entry("a", tmp_path / "a"), entry("a", tmp_path / "b")),
            "INVALID_ARGUMENT",
            "Illegal to list model a multiple times in config list",
        ),
        (config_of(entry("a", "relative")), "INVALID_ARGUMENT", "to have an absolute path"),
        (
            config_of(
                entry("a", tmp_path / "a", 'version_labels { key: "s" value: 7 }'),
                entry("b", tmp_path / "b"),
            ),
            "FAILED_PRECONDITION",
            "Request to assign label to version 7 of model a, which is not currently available "
            "for inference",
        ),
        (config_of('config { name: "a" base_path: "/a" }'), "INVALID_ARGUMENT", "model_platform"),
        (config_of(entry("a", "")), "INVALID_ARGUMENT", "got base_path()="),
        (config_of(entry("a", "gs://b/m")), "UNIMPLEMENTED", "Received: gs://b/m."),
        ("", "INVALID_ARGUMENT", "type not supported"),
    ]:
        with pytest.raises(grpc.RpcError) as refused:
            reload(server, text)
        assert refused.value.code().name == code
        assert words in refused.value.details()
        assert version_of(server, "a") == 1
        assert version_of(server, "b") == 2
    with pytest.raises(grpc.RpcError, match="did not become available"):
        reload(server, config_of(entry("a", tmp_path / "a"), entry("no", tmp_path / "no")))
    reload(server, config_of(entry("b", tmp_path / "b")))
    with pytest.raises(grpc.RpcError, match=r"Latest\(a\)"):
        version_of(server, "a")
    wait_until(lambda: states(server, "a") == {1: (50, 0)})
    with connect(f"127.0.0.1:{server.options.port}") as client:
        client.reload_config({})  # unloads the last model
    with pytest.raises(grpc.RpcError, match=r"Latest\(b\)"):
        version_of(server, "b")
    wait_until(lambda: states(server, "b") == {2: (50, 0)})
    reload(server, config_of(entry("b", f"file://{tmp_path}/b")))
    assert version_of(server, "b") == 2


def test_comments_and_windows_line_ends_in_a_config_file(tmp_path):
    lines = [
        "# what is served",
        "model_config_list {  # one model",
        "  config {",
        '    name: "a" # not "b"',
        '    base_path: "/models/#a"',
        "    model_platform: 'tensorflow'",
        "    # model_version_policy { all {} }",
        "  }",
        "}",
        "# no more",
    ]
    file = tmp_path / "models.config"
    file.write_bytes("\r\n".join(lines).encode())
    [model] = read_models(file)
    assert (model.name, str(model.base_path), model.policy) == ("a", "/models/#a", Policy())


def test_the_config_file_is_read_again(start, publish, tmp_path):
    publish(tmp_path / "a", 1)
    publish(tmp_path / "b", 2)
    file = write(tmp_path / "models.config", config_of(entry("a", tmp_path / "a")))
    server = start(model_config_file=file, model_config_file_poll_wait_seconds=0.05)
    write(file, "this is no config {")
    time.sleep(0.2)
    assert version_of(server, "a") == 1
    write(file, "")  # as a file is that is being written
    server.server._read_again()
    assert version_of(server, "a") == 1
    write(file, config_of(entry("b", tmp_path / "b")))
    wait_until(lambda: states(server, "b") == {2: (30, 0)} if _known(server, "b") else False)
    assert version_of(server, "b") == 2


def _known(server, name):
    return server.get(f"/{name}").status_code == 200


def test_warm_up_requests_are_replayed(start, publish, tmp_path, caplog):
    base = tmp_path / "model"
    publish(base, 1)
    _write_warm_up(base / "1", predict_request("default"), predict_request("default"))
    server = start(
        model_base_path=base,
        monitoring_config_file=write(tmp_path / "m", "prometheus_config { enable: true }"),
    )
    assert version_of(server) == 1
    # One that fails fails the load: it would fail the first user, too.
    publish(base, 2)
    unready = tmp_path / "three"
    shutil.copytree(base / "2", unready)
    _write_warm_up(unready, predict_request("default", signature_name="missing"))
    unready.rename(base / "3")
    wait_until(lambda: states(server).get(3, (0, 0))[0] == 50)
    assert states(server)[3][1] != 0
    assert version_of(server) in (1, 2)
    page = requests.get(f"{server.address}/monitoring/prometheus/metrics", timeout=10).text
    name = ":tensorflow:serving:model_warmup_"
    assert f'{name}records_read{{model_path="{base}/1"}} 2\n' in page
    assert f'{name}latency_count{{model_path="{base}/1",status="OK"}} 1\n' in page
    # Version 2 has no requests to warm up with; the one of version 3 names no signature.
    assert f'{name}records_read{{model_path="{base}/2"}}' not in page
    assert f'{name}latency_count{{model_path="{base}/3",status="FAILED_PRECONDITION"}} 1\n' in page


def _write_warm_up(folder, *requests):
    place = folder / "assets.extra"
    place.mkdir()
    with tf.io.TFRecordWriter(str(place / "tf_serving_warmup_requests")) as writer:
        for request in requests:
            log = prediction_log_pb2.PredictionLog()
            log.predict_log.request.CopyFrom(request)
            writer.write(log.SerializeToString())


def test_a_tf2_model_with_several_inputs_and_defaults(start, tmp_path):
    models.wide(tmp_path / "1", size=16)
    server = start(model_base_path=tmp_path)
    request = predict_pb2.PredictRequest(model_spec={"name": "default"})
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(tf.ones([2, 16])))
    assert server.predict(request).outputs["y"].tensor_shape.dim[1].size == 10
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(tf.ones([2, 17])))
    with pytest.raises(grpc.RpcError, match="Matrix size-incompatible"):
        server.predict(request)


def test_models_that_are_gone_are_forgotten_in_the_end(tmp_path):
    config = ModelConfig("kept", tmp_path)
    catalogue = Catalogue()
    version = {1: Version(1, tmp_path, VersionState.END)}
    catalogue.keep_ended([Model(config, dict(version))])
    for number in range(2 * MOST_ENDED):
        invented = replace(config, name=f"invented {number}")
        catalogue.keep_ended([Model(invented), Model(config, dict(version))])
    assert list(catalogue.ended) == ["kept"]  # the others never had a version
    for number in range(2 * MOST_ENDED):
        catalogue.keep_ended([Model(replace(config, name=str(number)), dict(version))])
    assert list(catalogue.ended) == [str(n) for n in range(MOST_ENDED, 2 * MOST_ENDED)]


def test_a_version_that_fails_to_load_keeps_nothing_of_what_was_loaded(tmp_path):
    class Graph:
        pass

    graphs = []

    def load(name, number, path):
        graph = Graph()
        graphs.append(weakref.ref(graph))
        raise ServingError(Code.NOT_FOUND, f"no {path.name} for {graph!r}") from ValueError()

    (tmp_path / "1").mkdir()
    manager = Manager(load, retries=0)
    with pytest.raises(ServingError, match="did not become available"):
        manager.apply([ModelConfig("m", tmp_path)])
    (version,) = manager.catalogue.status("m")
    assert version.error.code == Code.NOT_FOUND
    assert version.error.text.startswith("no 1 for")
    gc.collect()
    assert [graph() for graph in graphs] == [None]
