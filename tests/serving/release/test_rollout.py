"""From a repository into a running server: versions and labels change, and no request fails."""

import threading

import numpy as np
import pytest

from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.api.model_config import ServedModel, config_text
from deployworkbook.serving.client.connecting import connect
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.load.loops import start_open_loop
from deployworkbook.serving.load.target import load_target
from deployworkbook.serving.release.canary import CanaryRouter
from deployworkbook.serving.release.rollout import roll_out
from deployworkbook.serving.repository.model_repository import ModelRepository
from deployworkbook.workspace.files import write_atomically
from tests.serving import models
from tests.serving.conftest import ADDRESS
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Two models: y = x / 2 + 1, and + 2."""
    folder = tmp_path_factory.mktemp("exported")
    return {add: models.half_plus_two(folder / str(add), add=float(add)) for add in (1, 2)}


@pytest.fixture
def repository(tmp_path, exported):
    repository = ModelRepository(tmp_path / "half")
    repository.publish(exported[1], label="stable")
    return repository


@pytest.fixture
def served(start, repository, tmp_path):
    """A server of the repository's model, and a client of it."""
    file = tmp_path / "models.config"
    write_atomically(file, config_text({"half": repository.served()}))
    server = start(model_config_file=file)
    with connect(f"{ADDRESS}:{server.options.port}") as client:
        yield server, client


def broken(folder):
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"no model")
    return folder


def answer(client, **which):
    return client.predict({"x": np.float32([2.0])}, model="half", **which)


def test_publish_label_and_roll_back_under_load_and_no_request_fails(served, repository, exported):
    server, client = served
    by_label = load_target(
        f"{ADDRESS}:{server.options.port}", {"x": np.float32([2.0])}, model="half", label="stable"
    )
    running = start_open_loop(by_label, 100, seconds=2.5, pattern="constant")
    repository.publish(exported[2])
    repository.label("canary", 2)
    roll_out(client, {"half": repository})
    assert answer(client, label="stable").version == 1
    assert answer(client, label="canary").output.tolist() == [3.0]
    repository.label("stable", 2)
    roll_out(client, {"half": repository})
    assert answer(client, label="stable").version == 2
    repository.roll_back("stable")
    roll_out(client, {"half": repository})
    assert answer(client, label="stable").output.tolist() == [2.0]
    result = running.wait()
    assert result.errors == {}
    assert set(result.versions) == {1, 2}


def test_a_broken_version_takes_no_label_and_no_good_version_down(served, repository, tmp_path):
    _, client = served
    repository.publish(broken(tmp_path / "broken"), label="stable")
    with pytest.raises(RequestError, match="was not loaded") as refused:
        roll_out(client, {"half": repository}, deadline_s=10)
    assert refused.value.code in (Code.FAILED_PRECONDITION, Code.UNKNOWN, Code.INVALID_ARGUMENT)
    assert answer(client, label="stable").version == 1
    repository.roll_back()
    repository.withdraw(2)
    roll_out(client, {"half": repository})
    assert answer(client).version == 1


def test_a_model_that_is_left_out_is_unloaded_and_a_new_one_is_served(
    served, repository, exported, tmp_path
):
    _, client = served
    other = ModelRepository(tmp_path / "other")
    other.publish(exported[2], label="stable")
    roll_out(client, {"other": other})
    found = client.predict({"x": [2.0]}, model="other", label="stable")
    assert found.output.tolist() == [3.0]
    with pytest.raises(RequestError, match="NOT_FOUND"):
        answer(client)


def test_a_server_that_watches_the_folder_follows_publishing_and_withdrawing(
    start, repository, exported
):
    server = start(model_base_path=repository.base_path, model_name="half")
    with connect(server.address) as client:
        values = []

        def wait_for(value):
            def is_answered():
                values.append(answer(client).output.tolist())
                return values[-1] == [value]

            wait_until(is_answered, f"the answer {value}")

        wait_for(2.0)
        repository.publish(exported[2])
        wait_for(3.0)
        repository.withdraw(2)
        wait_for(2.0)
    assert {value for (value,) in values} <= {2.0, 3.0}


def test_a_config_file_that_is_polled(start, repository, exported, tmp_path):
    file = tmp_path / "polled.config"
    write_atomically(file, config_text({"half": repository.served()}))
    server = start(model_config_file=file, model_config_file_poll_wait_seconds=0.05)
    repository.publish(exported[2])
    write_atomically(file, config_text({"half": ServedModel(repository.base_path)}))
    with connect(server.address) as client:
        wait_until(lambda: answer(client).output.tolist() == [3.0], "version 2")


def test_a_refused_config_says_why(served, repository):
    _, client = served
    late = ServedModel(repository.base_path, {"next": 9}, (1, 9))
    with pytest.raises(RequestError) as refused:
        client.reload_config({"half": late}, deadline_s=5)
    assert refused.value.said
    assert answer(client, label="stable").version == 1


def test_a_canary_is_judged_on_a_real_server(served, repository, exported):
    _, client = served
    repository.publish(exported[2], label="canary")
    roll_out(client, {"half": repository})
    router = CanaryRouter(client, "half", share=0.5, seed=1)
    versions = {router.predict({"x": np.float32([2.0])}).version for _ in range(40)}
    assert versions == {1, 2}
    assert router.result("canary").requests + router.result("stable").requests == 40
    assert len(router.compare().checks) == 3


def test_publishing_while_clients_ask_from_several_threads(served, repository, exported):
    server, client = served
    failures, done = [], threading.Event()

    def ask():
        with connect(f"{ADDRESS}:{server.options.port}") as own:
            while not done.is_set():
                try:
                    answer(own)
                except RequestError as error:
                    failures.append(error)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for add in (2, 1, 2):
        repository.publish(exported[add])
        roll_out(client, {"half": repository})
    repository.prune(keep=1)
    roll_out(client, {"half": repository})
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [version.number for version in repository.versions()] == [4, 1]
