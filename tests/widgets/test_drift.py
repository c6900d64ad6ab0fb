"""The drift explorer: what detectors notice, and what labels would have said."""

import numpy as np
import pytest

from deployworkbook.widgets.drift import CHANGES, FEW_CLASSES, SWAPPED, drift_explorer

RANDOM = np.random.default_rng(0)
# Each class is a pattern of its own; the model's kernels are the patterns, so that it is good.
PATTERNS = RANDOM.random((10, 28, 28)) > 0.7


def digits(count, seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, count)
    noise = generator.random((count, 28, 28))
    return np.clip(0.6 * PATTERNS[labels] + 0.4 * noise, 0, 1), labels


def parameters():
    kernel = (PATTERNS.reshape(10, -1) - PATTERNS.mean()).T * 0.1
    return [kernel, np.zeros(10), 0.7 * np.eye(10), np.zeros(10)]


@pytest.fixture(scope="module")
def explorer():
    return drift_explorer(parameters(), digits(400, 1), digits(600, 2))


def test_without_a_change_nothing_alarms_and_estimates_are_right(explorer):
    result = explorer.set(kind="rotated", strength=0.0, window=200)
    assert result.alarms == ()
    np.testing.assert_array_equal(result.before, result.after)
    assert result.mean_confidence == pytest.approx(result.accuracy, abs=0.1)
    assert "no detector alarms" in explorer._view.picture.alt


@pytest.mark.parametrize("kind", ["rotated", "noisy", "dimmed", "inverted"])
def test_strong_changes_are_noticed(explorer, kind):
    result = explorer.set(kind=kind, strength=0.8, window=200)
    assert "MMD of the hidden layer" in result.alarms
    assert f"alarms: {result.alarms[0]}" in explorer._view.picture.alt


def test_swapped_labels_change_the_accuracy_and_nothing_else(explorer):
    clean = explorer.set(kind=SWAPPED, strength=0.0, window=300)
    swapped = explorer.set(strength=1.0)
    assert swapped.accuracy < clean.accuracy - 0.1
    assert swapped.mean_confidence == clean.mean_confidence
    assert [each.statistic for each in swapped.findings] == [
        each.statistic for each in clean.findings
    ]


def test_other_shares_of_classes_are_seen_in_the_predictions(explorer):
    result = explorer.set(kind=FEW_CLASSES, strength=0.8, window=200)
    assert "χ² of predicted classes" in result.alarms
    assert result.change == "80% of them only 4 and 9"


def test_every_change_says_what_it_did_and_keeps_pixels_in_range(explorer):
    words = set()
    for kind in CHANGES:
        result = explorer.set(kind=kind, strength=1.0, window=50)
        words.add(result.change)
        assert result.after.min() >= 0
        assert result.after.max() <= 1
    assert len(words) == len(CHANGES)


def test_the_table_has_both_sides(explorer):
    rows = dict(explorer._view.table(explorer.reset()))
    assert {"true accuracy", "mean confidence", "KS of confidence"} <= set(rows)


@pytest.mark.parametrize(
    ("reference", "current", "match"),
    [
        (digits(199, 0), digits(300, 0), "reference"),
        (digits(200, 0), digits(299, 0), "current"),
        ((digits(200, 0)[0], np.zeros(3, int)), digits(300, 0), "3 labels"),
    ],
)
def test_too_few_images_are_refused(reference, current, match):
    with pytest.raises(ValueError, match=match):
        drift_explorer(parameters(), reference, current)
