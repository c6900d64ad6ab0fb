"""Requests that wait together run together, and none spoils another."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import requests

from deployworkbook.serving.embedded.batching import Batcher
from deployworkbook.serving.embedded.batching_parameters import Batching
from deployworkbook.serving.embedded.budget import MemoryBudget
from deployworkbook.serving.embedded.config import read_batching
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from tests.serving.conftest import predict_request, write


class Recorder:
    """Doubles what it gets, and remembers the sizes; waits where it is told to."""

    def __init__(self):
        self.sizes = []
        self.entered = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def __call__(self, arrays):
        self.entered.set()
        self.go.wait()
        self.sizes.append(len(arrays[0]))
        if np.any(arrays[0] < 0):
            raise invalid("negative")
        return [arrays[0] * 2]


@pytest.fixture
def batcher():
    made = []

    def make(budget=None, **parameters):
        made.append(Batcher(Batching(num_batch_threads=1, **parameters), budget=budget))
        return made[-1]

    yield make
    for each in made:
        each.close()


def at_once(batcher, run, arrays):
    """Run all while the only thread is held, so that they wait together."""
    with ThreadPoolExecutor(len(arrays) + 1) as pool:
        run.go.clear()
        first = pool.submit(batcher.run, "k", [np.ones(1)], run=run)
        run.entered.wait()
        results = []
        for array in arrays:  # in this order
            results.append(pool.submit(batcher.run, "k", [array], run=run))
            while not results[-1].done() and waiting(batcher) < len(results) - refused(results):
                time.sleep(0.001)
        run.go.set()
        first.result()
        return [_outcome(each) for each in results]


def waiting(batcher):
    return sum(len(queue.tasks) for queue in batcher._queues.values())


def refused(futures):
    return sum(future.done() for future in futures)


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


def test_a_full_batch_does_not_wait_for_its_timeout(batcher):
    run = Recorder()
    # It would be an hour; the test's own time limit is minutes.
    slow = batcher(batch_timeout_micros=3600 * 10**6, max_batch_size=2)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(slow.run, "k", [np.ones(1)], run=run) for _ in range(2)]
        assert [each.result() for each in both]
    assert run.sizes == [2]


def test_a_batch_that_is_not_full_waits_for_its_timeout(batcher):
    run, slow = Recorder(), batcher(batch_timeout_micros=200_000, max_batch_size=2)
    started = time.monotonic()
    slow.run("k", [np.ones(1)], run=run)
    assert time.monotonic() - started >= 0.2
    assert run.sizes == [1]


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


SPLITTING = {"enable_large_batch_splitting": True}


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_batch_size": 0},
        {"num_batch_threads": 0},
        {"allowed_batch_sizes": (4, 2)},
        {"max_batch_size": 8, "allowed_batch_sizes": (2, 4)},
        {"max_batch_size": 8, "allowed_batch_sizes": (2, 4), "max_execution_batch_size": 4},
        {**SPLITTING, "max_batch_size": 8, "max_execution_batch_size": 9},
        {**SPLITTING, "max_batch_size": 8, "max_execution_batch_size": 0},
        {**SPLITTING, "max_execution_batch_size": 8, "allowed_batch_sizes": (2, 4)},
    ],
)
def test_parameters_that_cannot_be(wrong):
    with pytest.raises(ValueError, match=r"expected|must"):
        Batching(**wrong)


def test_a_request_is_split_over_batches_and_joined_again(batcher):
    run = Recorder()
    split = batcher(**SPLITTING, max_batch_size=10, max_execution_batch_size=4)
    arrays = [np.arange(3.0), np.arange(10.0), np.arange(1.0)]
    found = at_once(split, run, arrays)
    assert found == [(array * 2).tolist() for array in arrays]
    # Each batch is filled from the requests in their order: 3 + 1 of 10, 4, 4, 1 of 10 + 1.
    assert run.sizes == [1, 4, 4, 4, 2]


def test_a_part_that_fails_fails_its_whole_request_and_no_other(batcher):
    split = batcher(**SPLITTING, max_batch_size=8, max_execution_batch_size=2)
    found = at_once(split, Recorder(), [np.ones(1), np.array([1.0, 1, 1, 1, -1]), np.ones(2)])
    assert found[0] == [2.0]
    assert found[1].text == "negative"
    assert found[2] == [2.0, 2.0]


def test_splitting_bounds_requests_and_the_queue(batcher):
    run = Recorder()
    split = batcher(
        **SPLITTING, max_batch_size=10, max_execution_batch_size=2, max_enqueued_batches=4
    )
    found = at_once(split, run, [np.ones(11), np.ones(9), np.ones(6), np.ones(3), np.ones(2)])
    assert (found[0].code, "larger than maximum input batch size 10" in found[0].text) == (
        Code.INVALID_ARGUMENT,
        True,
    )
    for error, words in [
        (found[1], "task size is 9 but scheduling capacity is only 8"),
        (found[3], "task size is 3 but scheduling capacity is only 2"),
    ]:
        assert error.code == Code.UNAVAILABLE
        assert words in error.text
    assert found[2] == [2.0] * 6
    assert found[4] == [2.0] * 2


def test_parts_whose_outputs_cannot_be_joined_are_said_so(batcher):
    split = batcher(**SPLITTING, max_batch_size=4, max_execution_batch_size=3)
    with pytest.raises(ServingError, match=r"split over batches.*\(1,\), \(3,\)"):
        split.run("k", [np.ones(4)], run=lambda arrays: [np.ones((len(arrays[0]),) * 2)])


def test_allowed_sizes_end_at_either_maximum():
    sizes = {"max_batch_size": 8, "max_execution_batch_size": 4, **SPLITTING}
    for allowed in ((2, 4), (2, 8)):
        assert Batching(**sizes, allowed_batch_sizes=allowed).execution_size == 4


def test_a_file_with_every_field_is_read(tmp_path, caplog):
    text = """
        max_batch_size { value: 128 }
        batch_timeout_micros { value: 1000 }
        max_enqueued_batches { value: 20 }
        num_batch_threads { value: 3 }
        thread_pool_name { value: "pool" }
        allowed_batch_sizes: 16
        allowed_batch_sizes: 32
        max_execution_batch_size { value: 32 }
        """
    file = write(tmp_path / "b", text + "enable_large_batch_splitting { value: true }")
    assert read_batching(file) == Batching(128, 1000, 20, 3, (16, 32), True, 32, "pool")
    assert not caplog.text
    read = read_batching(
        write(file, "max_execution_batch_size { value: 32 } max_enqueued_batches { value: 0 }")
    )
    assert (read.execution_size, read.max_enqueued_batches) == (1000, 1)
    assert "does nothing without enable_large_batch_splitting" in caplog.text
    with pytest.raises(ServingError, match="support pad_variable_length_inputs") as refused_:
        read_batching(write(file, "pad_variable_length_inputs: true"))
    assert refused_.value.code == Code.UNIMPLEMENTED


def test_a_server_splits_large_requests_and_counts_its_batches(start, half, tmp_path):
    batching = """
        max_batch_size { value: 10 } num_batch_threads { value: 1 } allowed_batch_sizes: 4
        enable_large_batch_splitting { value: true } max_execution_batch_size { value: 4 }"""
    server = start(
        model_base_path=half,
        model_name="half",
        enable_batching=True,
        batching_parameters_file=write(tmp_path / "b", batching),
        monitoring_config_file=write(tmp_path / "m", "prometheus_config { enable: true }"),
    )
    values = [float(n) for n in range(10)]
    answer = server.predict(predict_request(x=values)).outputs["y"]
    assert list(answer.float_val) == [n / 2 + 2 for n in values]
    assert [dim.size for dim in answer.tensor_shape.dim] == [10]
    lines = requests.get(f"{server.address}/monitoring/prometheus/metrics", timeout=10).text
    before = ":tensorflow:serving:batching_session:"
    for line in [
        # One input of 10; three runs of 4, the last of which holds 2 and 2 to fill it up.
        f"# TYPE {before}wrapped_run_count counter",
        f"{before}wrapped_run_count{{}} 3",
        f'{before}input_batch_size_bucket{{le="8"}} 0',
        f'{before}input_batch_size_bucket{{le="16"}} 1',
        f"{before}input_batch_size_sum{{}} 10",
        f"{before}processed_batch_size_sum{{}} 12",
        f"{before}processed_batch_size_count{{}} 3",
        f'{before}padding_size_sum{{execution_batch_size="4"}} 2',
        f'{before}padding_size_bucket{{execution_batch_size="4",le="8192"}} 3',
        f'{before}queuing_latency_count{{thread_pool_name=""}} 3',
    ]:
        assert line in lines.splitlines()


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


def test_a_padding_that_takes_too_much_memory_is_refused(batcher):
    """One example of 1 MiB, and batches of 1000."""
    budget = MemoryBudget(request_bytes=2**24, in_flight_bytes=2**24)
    waiting = batcher(allowed_batch_sizes=(1000,), max_batch_size=1000, budget=budget)
    with pytest.raises(ServingError, match="allowed_batch_sizes"):
        waiting.run("key", [np.zeros((1, 2**18), np.float32)], run=lambda arrays: arrays)
    assert budget.taken_bytes == 0
