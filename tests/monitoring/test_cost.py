"""What watching costs: printed, because it depends on the machine and on what else it does."""

import os
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from deployworkbook.monitoring.drift_watch import DriftWatch
from deployworkbook.monitoring.exporter import Exporter
from deployworkbook.monitoring.profile import make_profile
from deployworkbook.monitoring.records import RequestLog
from deployworkbook.monitoring.thresholds import calibrate
from deployworkbook.monitoring.watched_client import WatchedClient
from deployworkbook.serving.client.connecting import connect
from deployworkbook.serving.launcher.starting import start
from deployworkbook.training.keras2 import tf

# Short rounds in turns: a neighbour on the machine then slows both kinds alike.
ROUNDS, SECONDS = 80, 0.25


def published(folder):
    """An untrained network of the article's size, as a SavedModel."""
    generator = np.random.default_rng(0)
    module = tf.Module()
    module.first = tf.Variable(generator.normal(0, 0.05, (784, 128)).astype(np.float32))
    module.second = tf.Variable(generator.normal(0, 0.3, (128, 10)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None, 28, 28], tf.float32, "image")])
    def serve(image):
        hidden = tf.nn.relu(tf.reshape(image, [-1, 784]) @ module.first)
        return {"probabilities": tf.nn.softmax(hidden @ module.second)}

    tf.saved_model.save(module, str(folder / "1"), signatures={"serving_default": serve})
    return folder


def a_round(client, images):
    """Return the seconds per request, and those of this process's processors."""
    started, used = time.perf_counter(), time.process_time()
    count = 0
    while time.perf_counter() < started + SECONDS:
        place = count % len(images)
        client.predict({"image": images[place : place + 1]}, model="digits")
        count += 1
    return (time.perf_counter() - started) / count, (time.process_time() - used) / count


def interval(values):
    """Return the median with its 95 % interval, by resampling."""
    generator = np.random.default_rng(0)
    medians = np.median(generator.choice(values, (2000, len(values))), axis=1)
    low, high = np.quantile(medians, (0.025, 0.975))
    return f"{np.median(values):.1%} ({low:.1%} to {high:.1%})"


@pytest.mark.report
def test_report_of_throughput_and_memory(tmp_path):
    images = np.random.default_rng(1).random((2000, 28, 28), np.float32)
    with (
        start(published(tmp_path / "m"), model_name="digits", backend="embedded") as server,
        connect(server.grpc_address) as plain,
        RequestLog(Path(tmp_path) / "log") as log,
    ):
        answers = plain.predict({"image": images}, model="digits").output
        before = psutil.Process(os.getpid()).memory_info().rss
        detectors = calibrate(make_profile(images, answers, model_sha256="ab"), streams=100)
        exporter = Exporter("digits", versions=[1])
        drift = DriftWatch(detectors, exporter=exporter)
        with WatchedClient(
            connect(server.grpc_address), exporter=exporter, log=log, drift=drift
        ) as watched:
            # Plain, watched, watched, plain: a drift of the machine's speed cancels out.
            rounds = [
                [a_round(client, images) for client in order]
                for order in ((plain, watched), (watched, plain)) * (ROUNDS // 2)
            ]
            after = psutil.Process(os.getpid()).memory_info().rss
        written = log.written_bytes
    taken = np.array(rounds)
    taken[1::2] = taken[1::2, ::-1]
    (bare_s, bare_cpu_s), (seen_s, seen_cpu_s) = taken.transpose(1, 2, 0)
    print(f"seconds per request, plain: {np.median(bare_s):.6f}, watched: {np.median(seen_s):.6f}")
    print(f"loss of throughput: {interval(1 - bare_s / seen_s)}")
    print(
        f"processor time added, of a request's time: {interval((seen_cpu_s - bare_cpu_s) / bare_s)}"
    )
    print(f"memory: {(after - before) / 1e6:.1f} MB, log: {written:,} bytes")
