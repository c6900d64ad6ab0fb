"""The population stability index: against SciPy, and its distribution against simulations."""

import numpy as np
import pytest
from scipy.special import rel_entr

from deployworkbook.formulas.drift import (
    bin_counts,
    population_stability_index,
    population_stability_null,
    population_stability_p_value,
    population_stability_threshold,
    quantile_edges,
)


def test_the_index_is_the_divergence_both_ways():
    generator = np.random.default_rng(0)
    counts, reference = generator.integers(0, 40, (5, 10)), generator.integers(0, 900, 10)
    p = (counts + 0.5) / (counts + 0.5).sum(axis=1, keepdims=True)
    q = (reference + 0.5) / (reference + 0.5).sum()
    expected = (rel_entr(p, q) + rel_entr(q, p)).sum(axis=1)
    assert population_stability_index(counts, reference) == pytest.approx(expected, abs=1e-9)


def test_equal_shares_have_no_distance_and_empty_bins_a_finite_one():
    assert population_stability_index([3, 3], [3, 3]) == 0
    # Without the half a count it would be infinite; with it, .5 / 11 against 10.5 / 11, twice.
    assert population_stability_index([0, 10], [10, 0]) == pytest.approx(2 * 10 / 11 * np.log(21))


def test_edges_divide_a_reference_equally():
    reference = np.random.default_rng(1).normal(size=1000)
    edges = quantile_edges(reference, bins=8)
    assert bin_counts(reference, edges).tolist() == [125] * 8


def test_bins_of_equal_values_are_joined_so_that_none_is_empty():
    reference = np.r_[np.zeros(800), np.linspace(0.1, 1, 100), np.ones(100)]
    edges = quantile_edges(reference, bins=10)
    assert edges[0] == 0
    assert (bin_counts(reference, edges) > 0).all()


def test_a_reference_that_never_changes_is_refused():
    with pytest.raises(ValueError, match="watched by equality"):
        quantile_edges(np.zeros(50))


def test_counts_are_numpys_and_each_window_has_its_own():
    windows = np.random.default_rng(2).normal(size=(3, 4, 200))
    edges = [-1.0, 0.0, 0.7]
    counts = bin_counts(windows, edges)
    assert counts.shape == (3, 4, 4)
    expected, _ = np.histogram(windows[1, 2], [-np.inf, *edges, np.inf])
    assert counts[1, 2].tolist() == expected.tolist()


@pytest.mark.parametrize("size", [500, 2000])
def test_the_null_distribution_is_that_of_windows_without_drift(size):
    """References and windows are drawn anew; of 1,000, 1 % are 10 ± 3.2."""
    generator = np.random.default_rng(3)
    threshold = population_stability_threshold(size, 3000, 10)
    index = np.array(
        [
            population_stability_index(
                bin_counts(generator.normal(size=size), edges), bin_counts(reference, edges)
            )
            for reference in generator.normal(size=(1000, 3000))
            for edges in [quantile_edges(reference)]
        ]
    )
    assert 1 <= (index > threshold).sum() <= 24
    p = population_stability_p_value(index, size, 3000, 10)
    assert np.quantile(p, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.05)


def test_threshold_and_p_value_agree():
    threshold = population_stability_threshold(200, 6000, 10, false_alarms=0.003)
    assert population_stability_p_value(threshold, 200, 6000, 10) == pytest.approx(0.003, rel=1e-9)


def test_simulated_windows_agree_with_the_formula_when_large_and_are_wilder_in_the_tail_if_not():
    reference = np.full(10, 600)
    null = population_stability_null(reference, 1000, draws=20_000, seed=4)
    formula = population_stability_threshold(1000, 6000, 10)
    assert np.quantile(null, 0.99) == pytest.approx(formula, rel=0.05)
    # The usual rule, 0.1, on windows without drift: most of 50 are above, none of 1,000.
    small = population_stability_null(reference, 50, draws=20_000, seed=4)
    assert (small > 0.1).mean() > 0.7
    assert (null > 0.1).mean() == 0


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: population_stability_index([1, 2], [1, 2, 3]), "reference_counts"),
        (lambda: population_stability_index([1], [1]), "at least two bins"),
        (lambda: population_stability_index([-1, 2], [1, 2]), "counts"),
        (lambda: bin_counts([1.0], [2.0, 1.0]), "rising"),
        (lambda: population_stability_threshold(0, 10, 10), "size"),
    ],
)
def test_arguments_out_of_range_are_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
