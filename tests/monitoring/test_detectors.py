"""Calibrated detectors: silent on clean streams, quick where something changed."""

import numpy as np
import pytest
from scipy.ndimage import rotate

from deployworkbook.formulas.false_alarms import clean_peaks
from deployworkbook.monitoring.detectors import detectors_of
from deployworkbook.monitoring.drift_watch import DriftWatch
from deployworkbook.monitoring.exporter import Exporter
from deployworkbook.monitoring.profile import EMBEDDING, Profile, features_of, make_profile
from deployworkbook.monitoring.thresholds import calibrate

NAMES = ["cusum", "psi-doubt", "ks-doubt", "psi-brightness", "chi2-classes", "mmd-embedding"]


@pytest.fixture(scope="module")
def profile(synthetic):
    images, answers = synthetic(4000, 0)
    return make_profile(images, answers, model_sha256="ab", embeddings=images)


@pytest.fixture(scope="module")
def calibrated(profile):
    return calibrate(profile, stream_images=2000, streams=400, window=200)


def test_a_profile_with_embeddings_has_all_detectors(profile, calibrated):
    assert [each.name for each in calibrated] == NAMES
    (one,) = calibrate(profile, stream_images=500, streams=100, detectors=["ks-doubt"])
    assert one.name == "ks-doubt"


def test_few_clean_streams_alarm(calibrated, synthetic):
    """Wanted is 1 %; of 200 streams, more than 8 would be 3 standard deviations too many."""
    features = features_of(*synthetic(4000, 1))
    for each in calibrated[:-1]:
        pool = each.detector.prepare(features[each.detector.feature])
        peaks = clean_peaks(pool, each.detector.path, length=2000, streams=200, seed=2)
        assert (peaks > each.threshold).sum() <= 8, each.name


def test_each_detector_sees_its_own_drift(calibrated, synthetic):
    images, answers = synthetic(2000, 1, doubt=0.9)
    features = features_of(images + 0.2, answers)
    features["classes"] = np.where(features["classes"] < 2, 7.0, features["classes"])
    features[EMBEDDING] = images + 0.2
    for each in calibrated:
        assert each.first_alarm(features[each.detector.feature]) <= 400, each.name


def test_equal_seeds_give_equal_thresholds(profile):
    few = {"stream_images": 500, "streams": 100, "window": 100, "detectors": NAMES[:4]}
    one, again, other = (
        [each.threshold for each in calibrate(profile, seed=seed, **few)] for seed in (0, 0, 1)
    )
    assert one == again != other


def test_an_alarm_does_not_depend_on_how_images_arrive(calibrated, synthetic):
    images, answers = synthetic(1500, 3, doubt=0.6)
    found = []
    for size in (1, 7, 1500):
        watch = DriftWatch(calibrated, together=10)
        for start in range(0, 1500, size):
            part = slice(start, start + size)
            watch.observe(images[part], answers[part], embeddings=images[part])
        found.append(watch.findings())
    for one, *others in zip(*found, strict=True):
        for other in others:
            assert (other.images, other.alarms, other.first_alarm) == (
                one.images,
                one.alarms,
                one.first_alarm,
            )
            assert other.statistic == pytest.approx(one.statistic)
    assert found[0][0].first_alarm is not None


def test_live_traffic_reaches_prometheus(calibrated, synthetic):
    exporter = Exporter("digits")
    watch = DriftWatch(calibrated, exporter=exporter)
    assert watch.estimated_accuracy() is None
    images, answers = synthetic(600, 4, doubt=0.9)
    watch.observe(images, answers)
    assert watch.estimated_accuracy() == pytest.approx(answers[-500:].max(axis=1).mean())
    text = exporter.text()
    assert 'deployworkbook_drift_alarms_total{detector="cusum",model="digits"} 1.0' in text
    assert "deployworkbook_estimated_accuracy" in text
    # Traffic without embeddings isn't seen by their detector.
    assert {each.detector: each.images for each in watch.findings()}["mmd-embedding"] == 0


def test_a_profiles_threshold_estimates_a_model_that_is_too_sure(synthetic):
    images, answers = synthetic(600, 4, doubt=0.9)
    true = answers.argmax(axis=1)
    true[::3] = (true[::3] + 1) % 10
    profile = make_profile(images, answers, model_sha256="ab", labels=true)
    watch = DriftWatch((), certainty_threshold=profile.certainty_threshold, window=600)
    watch.observe(images, answers)
    assert watch.estimated_accuracy() == pytest.approx(2 / 3)


def clean_streams_that_alarm(release, each, streams):
    features = features_of(release.images, release.probabilities(release.images))
    detector = each.detector
    if detector.feature == EMBEDDING:
        # By the kernel between the reference's and the test's, as in the calibration.
        known = release.profile.reference(EMBEDDING)
        both = np.concatenate([known, release.hidden(release.images[: len(known)])])
        pool = detector.simulated(Profile({EMBEDDING: both}, 10, "", ""))
    else:
        pool = detector.prepare(features[detector.feature])
    peaks = clean_peaks(pool, detector.clean_path, length=10_000, streams=streams, seed=7)
    return float((peaks > each.threshold).mean())


def delays(release, each, angle, streams):
    """Images until the alarm, per stream of rotated images."""
    images = rotate(release.images[:2000], angle, axes=(1, 2), reshape=False, order=1)
    values = features_of(images, release.probabilities(images))[each.detector.feature]
    generator = np.random.default_rng(5)
    return [each.first_alarm(values[generator.integers(0, 2000, 2000)]) for _ in range(streams)]


@pytest.mark.mnist
def test_on_mnist_cusum_is_silent_and_quick(mnist_release):
    (cusum,) = calibrate(mnist_release.profile, detectors=["cusum"])
    assert clean_streams_that_alarm(mnist_release, cusum, 1000) <= 0.02
    assert np.median(delays(mnist_release, cusum, 20, 200)) <= 100
    assert np.median(delays(mnist_release, cusum, 30, 200)) <= 40


@pytest.mark.report
@pytest.mark.mnist
def test_report_of_all_detectors_on_mnist(mnist_release):
    for each in calibrate(mnist_release.profile, streams=2000):
        share = clean_streams_that_alarm(mnist_release, each, 1000)
        print(f"{each.name:15} threshold {each.threshold:9.4f}: {share:.1%} of clean streams alarm")
        if each.detector.feature != EMBEDDING:
            for angle in (10, 20, 30):
                median = np.median(delays(mnist_release, each, angle, 200))
                print(f"{'':15} {angle}°: {median:g} images")


def test_detectors_of_a_profile_without_embeddings(synthetic):
    profile = make_profile(*synthetic(400, 0), model_sha256="ab")
    assert [each.name for each in detectors_of(profile)] == NAMES[:-1]
