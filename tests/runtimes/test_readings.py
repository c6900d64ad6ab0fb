"""The same figures, read for a device and for a data centre."""

import numpy as np
import pytest

from deployworkbook.ledger.measurement import Measurement
from deployworkbook.runtimes.comparison import Parity, PlatformResult
from deployworkbook.runtimes.exporting import write_artifact
from deployworkbook.runtimes.memory import Start
from deployworkbook.runtimes.readings import read_for_cloud, read_for_edge
from deployworkbook.runtimes.timing import Latency
from deployworkbook.training.variant import Variant


def result(folder, runtime, *, one_ms, batch_s, threads=1, start=None):
    form = Variant("float32", onnx=b"none")
    return PlatformResult(
        artifact=write_artifact(
            form, folder, runtime=runtime, write=lambda to: (to / "w").write_bytes(bytes(100))
        ),
        latency=Latency(np.full(100, one_ms)),
        batch_s=batch_s,
        parity=Parity(1, 1, 0.0),
        threads=threads,
        start=start,
        measurement=Measurement("float32", runtime, "1", "digits", "x"),
    )


@pytest.fixture
def results(tmp_path):
    # A second of `keras` is 100 images at best, on one core; of `onnx` 300, on four.
    return [
        result(tmp_path, "keras", one_ms=20.0, batch_s={1: 0.02, 10: 0.1, 100: 1.5}),
        result(
            tmp_path,
            "onnx",
            one_ms=5.0,
            batch_s={1: 0.005, 10: 1 / 30, 100: 0.5},
            threads=4,
            start=Start(1000, 0.5, 0.25, 0.125),
        ),
    ]


def test_a_devices_list_starts_with_the_fastest(results):
    fast, slow = read_for_edge(results)
    assert (fast.name, fast.latency_p50_ms, fast.size_bytes) == ("onnx", 5.0, 100)
    assert (fast.peak_memory_bytes, fast.ready_s) == (1000, 0.875)
    assert (slow.name, slow.peak_memory_bytes, slow.ready_s) == ("keras", None, None)


def test_a_data_centres_list_counts_images_per_core(results):
    slow, fast = read_for_cloud(results)
    assert (slow.name, slow.batch_size) == ("keras", 10)
    assert slow.throughput_per_core_s == pytest.approx(100)
    assert slow.batch_ms == pytest.approx(100)
    assert (fast.name, fast.batch_size, fast.latency_p99_ms) == ("onnx", 10, 5.0)
    assert fast.throughput_per_core_s == pytest.approx(75)
