"""The exporter's metrics, read by Prometheus' own parser."""

import numpy as np
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from deployworkbook.monitoring.exporter import GROWTH, LATENCY_BUCKETS_S, Exporter


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_exist_before_the_first_request_of_a_version():
    found = samples(Exporter("digits", versions=[1, 2]).text())
    key = "deployworkbook_requests_total", ("code", "INTERNAL"), ("model", "digits")
    assert found[(*key, ("version", "1"))] == found[(*key, ("version", "2"))] == 0


def test_two_versions_are_told_apart():
    exporter = Exporter("digits")
    for _ in range(3):
        exporter.count(1, "OK", latencies_s=[0.001], classes=[7, 7], confidences=[0.9, 0.99])
    exporter.count(2, "INTERNAL")
    found = samples(exporter.text())
    which = ("model", "digits"), ("version", "1")
    assert found["deployworkbook_requests_total", ("code", "OK"), *which] == 3
    assert found["deployworkbook_predictions_total", which[0], ("predicted", "7"), which[1]] == 6
    assert found["deployworkbook_confidence_count", *which] == 6
    failed = ("code", "INTERNAL"), ("model", "digits"), ("version", "2")
    assert found["deployworkbook_requests_total", *failed] == 1
    assert ("deployworkbook_request_latency_seconds_count", which[0], ("version", "2")) not in found


@pytest.mark.parametrize("scale_s", [0.0005, 0.004, 0.05, 1.0])
def test_a_p99_from_the_buckets_is_within_ten_percent(scale_s):
    """Prometheus interpolates within a bucket, whose ends differ by the growth."""
    times = np.random.default_rng(0).lognormal(np.log(scale_s), 0.5, 20_000)
    exact = np.quantile(times, 0.99)
    bounds = np.array(LATENCY_BUCKETS_S)
    counts = np.searchsorted(np.sort(times), bounds, side="right")
    rank = 0.99 * len(times)
    place = int(np.searchsorted(counts, rank))
    low, high = bounds[place - 1], bounds[place]
    share = (rank - counts[place - 1]) / (counts[place] - counts[place - 1])
    estimate = low + (high - low) * share
    assert high / low == pytest.approx(GROWTH)
    assert abs(estimate / exact - 1) < 0.1


def test_metrics_are_read_over_http():
    exporter = Exporter("digits", versions=[1])
    exporter.show_estimate(0.97)
    with exporter.serve() as serving:
        text = requests.get(f"http://{serving.address}/metrics", timeout=20).text
    assert samples(text)["deployworkbook_estimated_accuracy", ("model", "digits")] == 0.97
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{serving.address}/metrics", timeout=20)
