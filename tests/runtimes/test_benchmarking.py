"""The benchmark measures what it says."""

import gc
import shutil
import time
import zipfile

import numpy as np
import pytest

from deployworkbook.ledger.book import Ledger
from deployworkbook.runtimes import benchmarking as subject
from deployworkbook.runtimes.base import Artifact
from deployworkbook.runtimes.litert import LiteRTRuntime
from deployworkbook.runtimes.memory import start_process

IMAGES = np.zeros((20, 28, 28), np.float32)


class Clock:
    """Time that passes only when a prediction takes it, so that figures are exact."""

    def __init__(self, monkeypatch):
        self.now_ns = 0
        monkeypatch.setattr(time, "perf_counter_ns", lambda: self.now_ns)
        monkeypatch.setattr(time, "perf_counter", lambda: self.now_ns / 1e9)

    def predictor(self, time_ns):
        calls = []

        def predict(images):
            calls.append(images)
            self.now_ns += time_ns(len(calls), len(images))
            return np.eye(10, dtype=np.float32)[np.zeros(len(images), int)]

        predict.calls = calls
        return predict


def test_latency_leaves_out_the_warm_up(monkeypatch):
    # The first 50 calls take a second each, the others 2 ms, every hundredth of them 9 ms.
    clock = Clock(monkeypatch)

    def time_ns(call, size):
        if call <= 50:
            return 10**9
        return 9_000_000 if (call - 50) % 100 == 0 else 2_000_000

    predict = clock.predictor(time_ns)
    latency = subject.measure_latency(predict, IMAGES, repetitions=1000, warm_up=50)
    assert len(latency.times_ms) == 1000
    assert latency.p50_ms == 2.0
    # 10 of 1000 are slow: the 99th percentile stands just before them, interpolated by 1 %.
    assert 2.0 < latency.p99_ms < 2.1
    assert latency.times_ms.max() == 9.0
    assert all(call.shape == (1, 28, 28) for call in predict.calls)


def test_throughput_is_images_divided_by_time(monkeypatch):
    # A call takes 1 ms, and each image 0.1 ms more.
    clock = Clock(monkeypatch)
    predict = clock.predictor(lambda call, size: 1_000_000 + 100_000 * size)
    rates = subject.measure_throughput(predict, IMAGES, batch_sizes=(1, 10, 100), seconds=0.05)
    assert rates == pytest.approx({1: 1 / 1.1e-3, 10: 10 / 2e-3, 100: 100 / 11e-3})


def test_garbage_collection_is_paused_while_timing(monkeypatch):
    states = []

    def predict(images):
        states.append(gc.isenabled())
        return np.zeros((len(images), 10), np.float32)

    subject.measure_latency(predict, IMAGES, repetitions=100, warm_up=1)
    assert not any(states)
    assert gc.isenabled()

    def fail(images):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        subject.measure_latency(fail, IMAGES)
    assert gc.isenabled()


def test_a_p99_of_too_few_times_is_refused():
    with pytest.raises(ValueError, match="repetitions"):
        subject.measure_latency(lambda images: images, IMAGES, repetitions=99)


def test_predictions_do_not_depend_on_the_batch_size(runtime, artifact, digits):
    predict = runtime.load(artifact)
    whole = predict(digits.test.images)
    parts = subject.predict_in_batches(predict, digits.test.images, batch_size=7)
    np.testing.assert_allclose(parts, whole, atol=1e-6)


def test_correct_predictions_are_counted(digits):
    right = np.eye(10, dtype=np.float32)[digits.test.labels]
    turn = iter([right])
    assert subject.count_correct(lambda images: next(turn), digits.test) == len(digits.test)


def test_the_zipped_size_is_that_of_a_real_archive(artifact, tmp_path):
    target = tmp_path / "a.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in artifact.files:
            archive.write(path, path.relative_to(artifact.path))
    assert subject.compressed_bytes(artifact) == target.stat().st_size
    assert subject.compressed_bytes(artifact) < artifact.size_bytes


def test_the_models_size_excludes_the_record(artifact, tmp_path):
    copy = Artifact.at(shutil.copytree(artifact.path, tmp_path / "copy"))
    zipped = subject.compressed_bytes(artifact)
    record = copy.path / "provenance.json"
    record.write_text(record.read_text() + " " * 10_000)
    (copy.path / ".DS_Store").write_bytes(bytes(5000))
    assert copy.size_bytes == artifact.size_bytes
    assert subject.compressed_bytes(copy) == zipped


def test_memory_excludes_the_calling_process(variant, tmp_path):
    artifact = LiteRTRuntime().export(variant, tmp_path)
    before = start_process(artifact).peak_memory_bytes
    burden = np.ones(50_000_000)  # 400 MB
    after = start_process(artifact).peak_memory_bytes
    assert burden.sum() == 50_000_000
    # Two runs differ by a few MB; inheriting the burden would add 400.
    assert after == pytest.approx(before, rel=0.2)
    assert before > 30e6


def test_a_model_that_cannot_be_loaded_raises_with_a_remedy(tmp_path):
    with pytest.raises(RuntimeError, match="Export it again"):
        start_process(Artifact(tmp_path / "none", "litert", "float32"))


def test_the_whole_benchmark_fits_the_ledger(runtime, artifact, variant, digits):
    start = time.perf_counter()
    measurement = subject.benchmark(
        runtime, artifact, digits, repetitions=100, batch_sizes=(1, 8), seconds=0.01, lesson="x"
    )
    took_ms = (time.perf_counter() - start) * 1000
    keras = variant.model.predict(digits.test.images, verbose=0).argmax(axis=1)
    assert measurement.correct == (keras == digits.test.labels).sum()
    assert measurement.size_bytes == artifact.size_bytes
    assert 0 < measurement.latency_p50_ms <= measurement.latency_p99_ms < took_ms
    assert set(measurement.throughput_per_s) == {1, 8}
    assert measurement.threads >= 1
    # TensorFlow takes seconds to import, and the folder far less to load; it needs much memory.
    assert 200e6 < measurement.peak_memory_bytes < 2e9
    assert 0 < measurement.load_ms < measurement.ready_ms - 500
    Ledger().add(measurement)
    assert Ledger().entries()[0].measurement == measurement
