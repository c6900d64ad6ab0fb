"""The descent explorer shows what the formulas say."""

import numpy as np
import pytest

from deployworkbook.widgets.descent import RULES, SURFACES, compute_descent, descent_explorer

SETTINGS = {
    "surface": "bowl",
    "rule": "gradient descent",
    "learning_rate": 0.1,
    "momentum": 0.9,
    "condition_number": 10.0,
    "steps": 50,
}


def test_gradient_descent_on_the_bowl_by_hand():
    # ∇L = (x, 10 y), so a step of 0.1 multiplies x by 0.9 and y by 0.
    result = compute_descent(**SETTINGS)
    np.testing.assert_allclose(result.path[1], [result.path[0][0] * 0.9, 0], atol=1e-12)
    assert result.limit == pytest.approx(2 / 10)


@pytest.mark.parametrize(("rate", "grows"), [(0.199, False), (0.21, True)])
def test_beyond_the_limit_it_diverges_and_says_so(rate, grows):
    explorer = descent_explorer()
    result = explorer.set(learning_rate=rate, steps=200)
    assert result.grows == grows
    assert ("Diverging" in explorer._view.picture.alt) == grows


def test_beyond_all_numbers_it_still_has_a_picture():
    explorer = descent_explorer()
    result = explorer.set(learning_rate=10.0, condition_number=1000.0, steps=200)
    assert result.diverged
    assert np.isfinite(result.losses).all()
    assert "Diverged" in explorer._view.picture.alt
    assert explorer._png


@pytest.mark.parametrize("surface", ["bowl", *SURFACES])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_walks_on_every_surface(surface, rule):
    result = compute_descent(**SETTINGS | {"surface": surface, "rule": rule, "learning_rate": 1e-3})
    assert result.losses[-1] < result.losses[0]


def test_momentum_changes_only_the_rules_that_have_it():
    for rule in RULES:
        paths = [
            compute_descent(**SETTINGS | {"rule": rule, "momentum": mu}).path for mu in (0.0, 0.5)
        ]
        assert np.array_equal(*paths) == (rule not in {"momentum", "Nesterov"})


def test_only_the_bowl_has_a_condition_number():
    for surface in SURFACES:
        results = [
            compute_descent(
                **SETTINGS | {"surface": surface, "learning_rate": 1e-4, "condition_number": k}
            )
            for k in (1.0, 100.0)
        ]
        np.testing.assert_array_equal(results[0].path, results[1].path)
        assert results[0].limit is None


def test_a_surface_without_a_bottom_says_so():
    explorer = descent_explorer()
    explorer.set(surface="saddle", learning_rate=0.1, steps=200)
    assert "no lowest point" in explorer._view.picture.alt
