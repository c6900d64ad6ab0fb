"""The descent explorer: paths, limits, batches and pictures."""

import io

import numpy as np
import pytest
from PIL import Image

from deployworkbook.formulas.surfaces import saddle
from deployworkbook.widgets.descent import compute_descent, descent_explorer
from deployworkbook.widgets.landscapes import (
    BATCH_SIZES,
    BOWL,
    PATIENTS,
    REAL,
    RULES,
    SURFACES,
    start_on,
)
from tests.controls import ends_of, made_once

SETTINGS = {
    "surface": "bowl",
    "rule": "gradient descent",
    "learning_rate": 0.1,
    "momentum": 0.9,
    "condition_number": 10.0,
    "batch_size": PATIENTS,
    "steps": 50,
    "move_1": 0,
    "move_2": 0,
}


@pytest.fixture
def explorer():
    return made_once(descent_explorer)()


def test_gradient_descent_on_the_bowl_by_hand():
    # ∇L = (x, 10 y), so a step of 0.1 multiplies x by 0.9 and y by 0.
    result = compute_descent(**SETTINGS)
    np.testing.assert_allclose(result.walk.path[1], [result.walk.path[0][0] * 0.9, 0], atol=1e-12)
    assert result.limit == pytest.approx(2 / 10)


@pytest.mark.parametrize(("rate", "grows"), [(0.199, False), (0.21, True)])
def test_rates_beyond_the_limit_are_reported_as_diverging(explorer, rate, grows):
    result = explorer.set(learning_rate=rate, steps=200)
    assert result.grows == grows
    assert ("Diverging" in explorer._view.picture.alt) == grows


def test_a_path_beyond_float64_is_drawn(explorer):
    result = explorer.set(learning_rate=10.0, condition_number=1000.0, steps=200)
    assert result.walk.diverged
    assert np.isfinite(result.walk.losses).all()
    assert "Diverged" in explorer._view.picture.alt
    assert explorer._view.png()


def test_losses_that_are_clamped_say_so(explorer):
    axes = explorer._view.picture.axes[1]
    assert [label.get_text() for label in axes.get_yticklabels()][-1] == "≥ $10^{6}$"
    explorer.set(learning_rate=0.21, steps=50)
    assert "drawn at" not in explorer._view.picture.alt
    result = explorer.set(learning_rate=1.0, steps=200)
    assert result.excess.max() > 1e6
    assert "Losses above 1e+06 are drawn at 1e+06." in explorer._view.picture.alt


@pytest.mark.parametrize("surface", ["bowl", *SURFACES])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_lowers_the_loss_on_every_surface(surface, rule):
    result = compute_descent(**SETTINGS | {"surface": surface, "rule": rule, "learning_rate": 1e-3})
    assert result.walk.losses[-1] < result.walk.losses[0]


@pytest.mark.parametrize("surface", [BOWL, *SURFACES])
@pytest.mark.parametrize("rule", RULES)
def test_exactly_the_disabled_controls_have_no_effect(explorer, surface, rule):
    settings = {"surface": surface, "rule": rule, "learning_rate": 1e-3, "steps": 20}
    before = explorer.set(**settings).walk.path
    for name in set(explorer.controls) - set(settings):
        low, high = ends_of(explorer.controls[name])
        values = [low, high] if name in {"momentum", "condition_number"} else [low]
        # Computed, not drawn.
        moved = [explorer.values | {name: value} for value in values]
        same = [np.array_equal(explorer._compute(**each).walk.path, before) for each in moved]
        assert all(same) == (name not in explorer._applies(**moved[-1])), name


def test_the_limit_depends_on_the_rule():
    # 2 / λ; 2 (1 + μ) / λ; 2 (1 + μ) / ((1 + 2 μ) λ) with λ = 10 and μ = 0.9
    limits = {"gradient descent": 0.2, "momentum": 0.38, "Nesterov": 3.8 / 28}
    for rule in RULES:
        limit = compute_descent(**SETTINGS | {"rule": rule}).limit
        assert limit == pytest.approx(limits.get(rule)), rule
    for surface in ("saddle", "Rosenbrock's valley", "Beale's plateau"):
        result = compute_descent(**SETTINGS | {"surface": surface, "learning_rate": 1e-4})
        assert result.limit is None
        assert result.condition_number is None


def test_noise_shrinks_as_batches_grow(explorer):
    ends = {}
    for size in BATCH_SIZES:
        result = explorer.set(surface=REAL, batch_size=size, learning_rate=0.2, steps=200)
        ends[size] = result.excess[100:].mean()
        assert np.isfinite(result.walk.losses).all()
    # Gradient descent is at the bottom by then; what is left is noise, its square as 1 / size:
    # each doubling halves it, and one draw of 100 steps knows that to a third or so.
    assert (np.diff(result.walk.losses) <= 0).all()
    assert ends[1] > 3 * ends[8] > 9 * ends[64] > 27 * ends[PATIENTS]


def test_batches_of_1_wander_around_the_minimum(explorer):
    # The answer to a prediction of lesson 03: all of them come to rest, single ones do not.
    settings = {"surface": REAL, "learning_rate": 0.1, "steps": 200}
    whole, one = (explorer.set(**settings, batch_size=size) for size in (PATIENTS, 1))
    paths = [each.walk.path[150:] for each in (whole, one)]
    strides = [np.linalg.norm(np.diff(path, axis=0), axis=1) for path in paths]
    assert strides[1].mean() > 50 * strides[0].mean()
    assert not one.grows
    late = paths[1] - one.surface.minimum
    assert np.linalg.norm(late.mean(axis=0)) < 0.5 * np.linalg.norm(late, axis=1).mean()


def test_the_same_batch_size_gives_the_same_path():
    settings = SETTINGS | {"surface": REAL, "batch_size": 4}
    first, second = (compute_descent(**settings).walk.path for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_batches_of_1_diverge_below_the_limit_of_the_full_batch(explorer):
    settings = {"surface": REAL, "learning_rate": 0.5, "steps": 200}
    whole = explorer.set(**settings)
    assert whole.limit > 0.5
    assert not whole.grows
    one = explorer.set(batch_size=1)
    assert one.grows
    assert one.limit is None
    assert "on batches of 1" in explorer._view.picture.alt


def test_a_start_moves_between_the_edges(explorer):
    surface = saddle()  # from -3 to 3 both ways; its own start is (-2, 0.01)
    np.testing.assert_array_equal(start_on(surface, 0, 0), surface.start)
    np.testing.assert_allclose(start_on(surface, -100, 100), [-3.0, 3.0])
    np.testing.assert_allclose(start_on(surface, 50, -50), [0.5, -1.495])
    up = explorer.set(surface="saddle", learning_rate=0.1)
    down = explorer.set(move_2=-5)
    assert up.walk.path[-1, 1] > 0 > down.walk.path[-1, 1]


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize("surface", [BOWL, *SURFACES])
def test_shades_match_the_loss(explorer, surface):
    explorer.set(surface=BOWL if surface != BOWL else "saddle")  # so that it has to change
    result = explorer.set(surface=surface, learning_rate=1e-4)
    view = explorer._view
    rows, columns = result.heights.shape
    inner = np.linspace(0.1, 0.9, 15)
    i, j = np.meshgrid((inner * (rows - 1)).astype(int), (inner * (columns - 1)).astype(int))
    (left, right), (bottom, top) = result.surface.limits
    places = np.stack(
        [left + j / (columns - 1) * (right - left), bottom + i / (rows - 1) * (top - bottom)], -1
    )
    x, y = view._axes.transData.transform(places.reshape(-1, 2)).astype(int).T
    pixels = np.asarray(Image.open(io.BytesIO(explorer._view.png())).convert("RGB"), float)
    colours = pixels[len(pixels) - 1 - y, x]
    bands = 255 * view._shades.get_cmap()(np.arange(12))[:, :3]
    shown = np.linalg.norm(colours[:, None] - bands, axis=-1).argmin(axis=1)
    levels = np.log10(np.maximum(result.heights, 1e-3))
    shares = (levels[i, j].ravel() - levels.min()) / np.ptp(levels)
    # On a border the neighbour is as right; a few places are under the path or a mark.
    assert (np.abs(shown - np.floor(12 * shares)) <= 1).mean() > 0.95


def test_points_far_outside_are_drawn_in_their_direction(explorer):
    result = explorer.set(learning_rate=10.0, condition_number=1000.0, steps=200)
    drawn = np.array(explorer._view._path.get_data()).T
    assert np.abs(drawn).max() < 1000
    for point, exact in zip(drawn[1:], result.walk.path[1:], strict=True):
        assert point[0] / point[1] == pytest.approx(exact[0] / exact[1])


def test_a_loss_without_a_minimum_is_reported(explorer):
    explorer.set(surface="saddle", learning_rate=0.1, steps=200)
    assert "no minimum" in explorer._view.picture.alt
