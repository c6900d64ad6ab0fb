"""False alarms over many looks, and thresholds from simulated streams."""

import numpy as np
import pytest

from deployworkbook.formulas.false_alarms import (
    clean_peaks,
    first_alarms,
    rate_over_looks,
    rate_per_look,
    threshold_from_peaks,
)
from deployworkbook.formulas.sequential import cusum


def test_looks_by_hand():
    assert rate_over_looks(0.5, [0, 1, 2]).tolist() == [0.0, 0.5, 0.75]
    assert rate_over_looks([0.0, 1.0], [0, 3]).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("rate", [1e-12, 0.01, 0.5, 1.0])
def test_the_rate_per_look_is_what_the_looks_together_need(rate):
    looks = np.array([1, 7, 10_000])
    assert rate_over_looks(rate_per_look(rate, looks), looks) == pytest.approx(rate, rel=1e-9)


def test_a_threshold_is_exceeded_by_at_most_the_wanted_share():
    """Exactly by 10 of 1,000 ranks, if peaks are exchangeable."""
    peaks = np.random.default_rng(0).permutation(999).astype(float)
    threshold = threshold_from_peaks(peaks, 0.01)
    assert threshold == 989  # of the peaks 0 … 998, the tenth largest
    assert (peaks > threshold).sum() == 9


def test_too_few_streams_for_a_rate_are_refused():
    with pytest.raises(ValueError, match=r"at least 99 for a rate of 0\.01"):
        threshold_from_peaks(np.arange(98), 0.01)
    assert threshold_from_peaks(np.arange(99), 0.01) == 98


def test_the_threshold_keeps_its_rate_on_new_streams():
    # Wanted 2 %: of 2,000 new streams 40, ± 4 × 9 with the threshold's own spread.
    pool, other = np.random.default_rng(1).normal(size=(2, 50_000))
    peaks = clean_peaks(pool, cusum, length=300, streams=2000, seed=2)
    again = clean_peaks(other, cusum, length=300, streams=2000, seed=3)
    assert 4 <= (again > threshold_from_peaks(peaks, 0.02)).sum() <= 76


def test_peaks_depend_on_the_seed_alone_and_rows_are_kept_together():
    pool = np.stack([np.arange(50.0), -np.arange(50.0)], axis=1)

    def sums(streams):
        assert (streams[..., 0] == -streams[..., 1]).all()
        return streams.sum(axis=2)

    assert clean_peaks(pool, sums, length=9, streams=4, seed=0).tolist() == [0.0] * 4
    one, two = (clean_peaks(pool[:, 0], cusum, length=9, streams=4, seed=5) for _ in range(2))
    assert one.tolist() == two.tolist()


def test_a_statistic_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="a path per stream"):
        clean_peaks([1.0, 2.0], lambda streams: streams.max(axis=1), length=5, streams=3, seed=0)


def test_first_alarms_by_hand():
    paths = [[0, 2, 3], [3, 0, 0], [1, 1, 1]]
    assert first_alarms(paths, 1.0).tolist() == [2.0, 1.0, np.inf]
    assert first_alarms([-np.inf, 5.0], 1.0) == 2
