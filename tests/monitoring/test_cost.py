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

ROUNDS, SECONDS = 8, 1.0


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


def requests_per_second(client, images):
    ended = time.perf_counter() + SECONDS
    count = 0
    while time.perf_counter() < ended:
        place = count % len(images)
        client.predict({"image": images[place : place + 1]}, model="digits")
        count += 1
    return count / SECONDS


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
            rates = [
                (requests_per_second(plain, images), requests_per_second(watched, images))
                for _ in range(ROUNDS)
            ]
            after = psutil.Process(os.getpid()).memory_info().rss
        written = log.written_bytes
    losses = [1 - seen / bare for bare, seen in rates]
    print(f"requests per second, plain and watched: {np.median(rates, axis=0).round()}")
    print(f"loss of throughput: median {np.median(losses):.1%} of {np.round(losses, 3)}")
    print(f"memory: {(after - before) / 1e6:.1f} MB, log: {written:,} bytes")
