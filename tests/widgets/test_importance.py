"""The importance explorer shows which weights are pruned."""

import numpy as np
import pytest

from deployworkbook.widgets.importance import importance_explorer

RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(size=(784, 4))
IMAGES = RANDOM.random((3, 28, 28))
IMAGES[:, :4] = 0  # the upper four rows are always black


def explorer(**scores):
    return importance_explorer(WEIGHTS, scores or {"magnitude": abs(WEIGHTS)}, IMAGES)


@pytest.mark.parametrize("sparsity", [0.0, 0.5, 0.9])
def test_the_requested_fraction_is_pruned_and_the_largest_weights_are_kept(sparsity):
    result = explorer().set(sparsity=sparsity)
    assert result.kept == WEIGHTS.size - round(sparsity * WEIGHTS.size)
    kept = abs(WEIGHTS)[result.mask]
    gone = abs(WEIGHTS)[~result.mask]
    assert gone.size == 0 or kept.min() >= gone.max()


def test_only_data_based_criteria_prune_weights_of_black_pixels():
    lit = (IMAGES.reshape(3, -1) != 0).any(axis=0)[:, None]
    both = explorer(magnitude=abs(WEIGHTS), seen=abs(WEIGHTS) * lit)
    assert both.set(criterion="magnitude", sparsity=0.5).wasted > 0
    assert both.set(criterion="seen").wasted == 0


def test_pruned_weights_are_grey_and_kept_ones_are_not():
    shown = explorer()
    result = shown.set(sparsity=0.5)
    pixels = shown._view._fields.colours[:28, :28]
    grey = (pixels[..., :3] == 0xBB).all(axis=-1)
    np.testing.assert_array_equal(grey, ~result.mask[:, 0].reshape(28, 28))


@pytest.mark.parametrize(
    ("weights", "scores", "images"),
    [
        (WEIGHTS[:700], {"m": WEIGHTS[:700]}, IMAGES),
        (WEIGHTS, {"m": WEIGHTS[:, :2]}, IMAGES),
        (WEIGHTS, {"m": WEIGHTS}, IMAGES[:, :20]),
    ],
)
def test_other_shapes_are_refused(weights, scores, images):
    with pytest.raises(ValueError, match="expected"):
        importance_explorer(weights, scores, images)
