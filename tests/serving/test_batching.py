"""Requests that wait together run together, and none spoils another."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from deployworkbook.serving.embedded.batching import Batcher, Batching
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from tests.serving.conftest import predict_request, write


class Recorder:
    """Doubles what it gets, and remembers the sizes; waits where it is told to."""

    def __init__(self):
        self.sizes = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, arrays):
        self.go.wait()
        self.sizes.append(len(arrays[0]))
        if np.any(arrays[0] < 0):
            raise invalid("negative")
        return [arrays[0] * 2]


@pytest.fixture
def batcher():
    made = []

    def make(**parameters):
        made.append(Batcher(Batching(num_batch_threads=1, **parameters)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def at_once(batcher, run, arrays):
    """Run all while the only thread is held, so that they wait together."""
    with ThreadPoolExecutor(len(arrays) + 1) as pool:
        run.go.clear()
        first = pool.submit(batcher.run, "k", [np.ones(1)], run=run)
        time.sleep(0.05)
        results = [pool.submit(batcher.run, "k", [array], run=run) for array in arrays]
        time.sleep(0.1)
        run.go.set()
        first.result()
        return [_outcome(each) for each in results]


def _outcome(future):
    error = future.exception()
    return future.result()[0].tolist() if error is None else error


def test_waiting_requests_share_a_run(batcher):
    run = Recorder()
    arrays = [np.arange(n + 1.0) for n in range(4)]
    found = at_once(batcher(), run, arrays)
    assert found == [(array * 2).tolist() for array in arrays]
    assert run.sizes == [1, 1 + 2 + 3 + 4]


def test_no_batch_is_larger_than_allowed(batcher):
    run = Recorder()
    at_once(batcher(max_batch_size=4), run, [np.ones(2)] * 5)
    assert run.sizes == [1, 4, 4, 2]


def test_other_shapes_and_types_wait_apart(batcher):
    run = Recorder()
    arrays = [np.ones((1, 2)), np.ones((1, 3)), np.ones((2, 2)), np.ones((1, 2), np.float32)]
    at_once(batcher(), run, arrays)
    assert sorted(run.sizes) == [1, 1, 1, 3]


def test_a_wrong_request_fails_alone(batcher):
    found = at_once(batcher(), Recorder(), [np.ones(1), -np.ones(1), np.ones(2)])
    assert found[0] == [2.0]
    assert found[2] == [2.0, 2.0]
    assert found[1].text == "negative"


def test_sizes_are_filled_up_to_the_allowed(batcher):
    run = Recorder()
    found = at_once(batcher(max_batch_size=8, allowed_batch_sizes=(2, 8)), run, [np.ones(1)] * 3)
    assert found == [[2.0]] * 3
    assert run.sizes == [2, 8]


def test_a_timeout_waits_for_company(batcher):
    run, slow = Recorder(), batcher(batch_timeout_micros=200_000, max_batch_size=2)
    with ThreadPoolExecutor(2) as pool:
        started = time.monotonic()
        first = pool.submit(slow.run, "k", [np.ones(1)], run=run)
        time.sleep(0.02)
        slow.run("k", [np.ones(1)], run=run)
        first.result()
    assert run.sizes == [2]
    assert time.monotonic() - started < 0.2  # full before its time
    started = time.monotonic()
    slow.run("k", [np.ones(1)], run=run)
    assert time.monotonic() - started >= 0.2


def test_a_full_queue_is_unavailable(batcher):
    run, small = Recorder(), batcher(max_batch_size=1, max_enqueued_batches=2)
    found = at_once(small, run, [np.ones(1)] * 4)
    full = [each for each in found if isinstance(each, ServingError)]
    assert [each.code for each in full] == [Code.UNAVAILABLE] * 2


def test_outputs_that_are_no_batch_are_said_so(batcher):
    with pytest.raises(ServingError, match="does not equal the sum"):
        batcher().run("k", [np.ones(2)], run=lambda arrays: [np.ones(3)])
    with pytest.raises(ServingError, match="has 0 dimensions"):
        batcher().run("k", [np.ones(2)], run=lambda arrays: [np.float32(3)])
    with pytest.raises(ServingError, match="equal 0th-dimension size"):
        batcher().run("k", [np.ones(2), np.ones(3)], run=lambda arrays: arrays)
    with pytest.raises(ServingError, match="at least one dimension"):
        batcher().run("k", [np.array(2.0)], run=lambda arrays: arrays)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_batch_size": 0},
        {"num_batch_threads": 0},
        {"allowed_batch_sizes": (4, 2)},
        {"max_batch_size": 8, "allowed_batch_sizes": (2, 4)},
    ],
)
def test_parameters_that_cannot_be(wrong):
    with pytest.raises(ValueError, match=r"expected|must"):
        Batching(**wrong)


def test_a_server_with_batching(start, half, tmp_path):
    file = write(tmp_path / "b", "max_batch_size { value: 4 } num_batch_threads { value: 2 }")
    server = start(
        model_base_path=half,
        model_name="half",
        enable_batching=True,
        batching_parameters_file=file,
    )
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(server.predict, predict_request(x=[n, n + 1.0])) for n in range(40)]
    for n, future in enumerate(futures):
        assert future.result().outputs["y"].float_val == [n / 2 + 2, n / 2 + 2.5]
    with pytest.raises(grpc.RpcError) as refused:
        server.predict(predict_request(x=[1.0] * 5))
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == "Task size 5 is larger than maximum input batch size 4"
