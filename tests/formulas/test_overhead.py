"""The line through batch times: by hand, against NumPy's and SciPy's fits, and at its limits."""

import math

import numpy as np
import pytest
from scipy.optimize import nnls

from deployworkbook.formulas.overhead import Overhead, fit_overhead

SIZES = np.array([1, 4, 16, 64, 256, 1024])


def test_by_hand():
    # Two points have one line: (8 - 5) / (4 - 1) = 1 per image, and 5 - 1 = 4 per call.
    assert fit_overhead([1, 4], [5.0, 8.0]) == Overhead(4.0, 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_fit_equals_numpys_weighted_fit(seed):
    draw = np.random.default_rng(seed)
    times = (10 + 2 * SIZES) * draw.uniform(0.9, 1.1, len(SIZES))
    ours = fit_overhead(SIZES, times)
    # polyfit multiplies the residuals, before it squares them.
    slope, intercept = np.polyfit(SIZES, times, 1, w=1 / times)
    # Ten digits are kept.
    assert (ours.fixed, ours.per_image) == pytest.approx((intercept, slope), rel=1e-8)


@pytest.mark.parametrize(
    "times", [[1.0, 5.0, 20.0, 90.0, 400.0, 2000.0], [9.0, 9.0, 8.0, 8.0, 7.0, 7.0]]
)
def test_fit_has_no_negative_times(times):
    ours = fit_overhead(SIZES, times)
    assert 0 in (ours.fixed, ours.per_image)
    equations = np.column_stack([np.ones(len(SIZES)), SIZES]) / np.array(times)[:, None]
    theirs, _ = nnls(equations, np.ones(len(SIZES)))
    assert (ours.fixed, ours.per_image) == pytest.approx(tuple(theirs), rel=1e-8)


def test_small_batches_count_as_much_as_large_ones():
    # The largest batch's time is off by 1 %: 20 units, ten times the overhead.
    times = 2.0 + 2.0 * SIZES
    times[-1] *= 1.01
    assert fit_overhead(SIZES, times).fixed == pytest.approx(2.0, rel=0.05)
    assert abs(np.polyfit(SIZES, times, 1)[1] - 2.0) > 0.5


def test_fit_keeps_the_unit_of_time():
    seconds = np.array([0.001, 0.002, 0.005, 0.02, 0.07, 0.3])
    by_s, by_ms = fit_overhead(SIZES, seconds), fit_overhead(SIZES, 1000 * seconds)
    assert by_ms.fixed == pytest.approx(1000 * by_s.fixed)
    assert by_ms.half_batch == pytest.approx(by_s.half_batch)


def test_half_batch_reaches_half_of_the_throughput():
    line = Overhead(fixed=30.0, per_image=2.0)
    assert line.half_batch == 15
    assert line.throughput(15) == pytest.approx(0.5 / 2.0)
    assert line.time(15) == pytest.approx(2 * line.fixed)
    assert (np.diff(line.throughput(SIZES)) > 0).all()


def test_one_more_image_than_the_largest_batch_misses_the_deadline():
    line = Overhead(fixed=0.3, per_image=0.1)
    for deadline in (0.31, 0.4, 0.6, 7.77):
        n = line.largest_batch(deadline)
        assert line.time(n) <= deadline + 1e-9
        assert line.time(n + 1) > deadline
    assert line.largest_batch(0.29) == 0
    # A third of a tenth: division alone would give 2.
    assert Overhead(0.0, 0.1).largest_batch(0.3) == 3


def test_with_free_images_the_largest_batch_is_infinite_or_0():
    line = Overhead(fixed=1.0, per_image=0.0)
    assert (line.largest_batch(0.9), line.largest_batch(1.0)) == (0, math.inf)
    assert line.half_batch == math.inf


def test_invalid_measurements_are_refused():
    with pytest.raises(ValueError, match="shape"):
        fit_overhead([1, 2, 3], [1.0, 2.0])
    with pytest.raises(ValueError, match="above 0"):
        fit_overhead([0, 1], [1.0, 2.0])
    with pytest.raises(ValueError, match="above 0"):
        fit_overhead([1, 2], [0.0, 2.0])
    with pytest.raises(ValueError, match="differ"):
        fit_overhead([4, 4], [1.0, 2.0])
    with pytest.raises(ValueError, match="fixed"):
        Overhead(-1.0, 1.0)
    with pytest.raises(ValueError, match="per_image"):
        Overhead(1.0, math.inf)
    with pytest.raises(ValueError, match="deadline"):
        Overhead(1.0, 1.0).largest_batch(-1.0)
