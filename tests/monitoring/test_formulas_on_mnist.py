"""The formulas of monitoring on the article's model and real MNIST: what the lesson shows."""

import numpy as np
import pytest

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.corruption import dimmed, inverted, rotated
from deployworkbook.formulas.false_alarms import (
    clean_peaks,
    first_alarms,
    rate_over_looks,
    threshold_from_peaks,
)
from deployworkbook.formulas.label_free import (
    average_thresholded_confidence,
    confidence_based_accuracy,
    confidence_threshold,
    negative_entropy,
)
from deployworkbook.formulas.perceptron import forward
from deployworkbook.formulas.sequential import cusum, cusum_threshold, normal_scores, page_hinkley
from deployworkbook.formulas.sequential_adwin import adwin

pytestmark = pytest.mark.mnist

LENGTH = 10_000


@pytest.fixture
def ask(mnist_release):
    """Ask the model for the probabilities of images, in NumPy."""

    def answer(images):
        flat = np.asarray(images, np.float64).reshape(len(images), -1)
        return softmax(forward(mnist_release.weights, flat)[-1])

    return answer


@pytest.fixture
def doubts(mnist, mnist_release, ask):
    """Doubts of the validation images, and of test images as they are and rotated."""
    images = mnist_release.images.astype(np.float64)
    kinds = {"clean": images, "20°": rotated(images, 20.0), "30°": rotated(images, 30.0)}
    known = 1.0 - ask(mnist.validation.images).max(axis=1)
    return known, {name: 1.0 - ask(each).max(axis=1) for name, each in kinds.items()}


def median_delay(scores, statistic, threshold):
    """Median over 400 streams, in each of which the drift begins after 500 clean images."""
    generator = np.random.default_rng(3)
    found = {}
    for name in ("20°", "30°"):
        streams = np.concatenate(
            [
                generator.choice(scores["clean"], (400, 500)),
                generator.choice(scores[name], (400, 2000)),
            ],
            axis=1,
        )
        found[name] = float(np.median(first_alarms(statistic(streams)[:, 500:], threshold)))
    return found


def test_cusum_of_normal_scores_needs_no_simulation(doubts):
    """Seen: 0.6 % of the clean streams, and 40 and 16 images."""
    known, seen = doubts
    scores = {name: normal_scores(each, known) for name, each in seen.items()}
    threshold = cusum_threshold(0.01, LENGTH)
    peaks = clean_peaks(scores["clean"], cusum, length=LENGTH, streams=1000, seed=5)
    assert (peaks > threshold).mean() <= 0.02
    delays = median_delay(scores, cusum, threshold)
    assert delays["20°"] <= 100
    assert delays["30°"] <= 40


def test_estimates_follow_small_rotations_and_fail_where_the_model_is_sure_and_wrong(
    mnist, mnist_release, ask
):
    """Seen: at most 0.5 points off up to 15°."""
    validation = ask(mnist.validation.images)
    correct = validation.argmax(axis=1) == mnist.validation.labels
    threshold = confidence_threshold(negative_entropy(validation), correct)
    images = mnist_release.images.astype(np.float64)

    def accuracies(changed):
        answers = ask(changed)
        true = float((answers.argmax(axis=1) == mnist_release.labels).mean())
        thresholded = average_thresholded_confidence(negative_entropy(answers), threshold)
        mean = confidence_based_accuracy(answers.max(axis=1))
        return true, float(thresholded), float(mean)

    for angle in (0.0, 5.0, 10.0, 15.0):
        true, thresholded, _ = accuracies(rotated(images, angle))
        assert thresholded == pytest.approx(true, abs=0.01), angle
    # Harmless drift looks like a disaster, and a disaster like none.
    true, thresholded, mean = accuracies(dimmed(images, 0.25))
    assert true > 0.95
    assert max(thresholded, mean) < 0.85
    true, thresholded, mean = accuracies(inverted(images))
    assert true < 0.2
    assert min(thresholded, mean) > 0.7


@pytest.mark.report
@pytest.mark.timeout(0)
def test_report_of_sequential_detectors(doubts):
    """Thresholds from one half of the validation images' doubts, ranked among the other's."""
    known, seen = doubts
    reference, pool = np.random.default_rng(0).permutation(known).reshape(2, -1)
    scores = {name: normal_scores(each, reference) for name, each in seen.items()}
    held_out = normal_scores(pool, reference)
    for name, statistic in {
        "CUSUM, slack 0.25": lambda x: cusum(x, slack=0.25),
        "CUSUM, slack 0.5": cusum,
        "Page–Hinkley, slack 0.25": lambda x: page_hinkley(
            x, slack=0.25, forgetting=1.0, direction="up"
        ),
        "ADWIN": adwin,
    }.items():
        made = clean_peaks(held_out, statistic, length=LENGTH, streams=1000, seed=6)
        threshold = threshold_from_peaks(made, 0.01)
        peaks = clean_peaks(scores["clean"], statistic, length=LENGTH, streams=1000, seed=5)
        print(
            f"{name}: threshold {threshold:.2f}, {(peaks > threshold).mean():.1%} of clean streams"
        )
        print("   median delays:", median_delay(scores, statistic, threshold))


@pytest.mark.report
def test_report_of_peeking(doubts):
    """Testing the mean of 100 images at 1 %, a hundred times in a stream."""
    known, seen = doubts
    peaks = clean_peaks(
        normal_scores(seen["clean"], known),
        lambda streams: streams.reshape(len(streams), -1, 100).sum(axis=2) / 10.0,
        length=LENGTH,
        streams=1000,
        seed=5,
    )
    print(f"{(peaks > 2.326).mean():.1%} of clean streams alarm; ", end="")
    print(f"{float(rate_over_looks(0.01, 100)):.1%} by the formula")
