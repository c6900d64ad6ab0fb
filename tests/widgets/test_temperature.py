"""The temperature explorer shows a teacher's second choices."""

import numpy as np
import pytest

from deployworkbook.widgets.temperature import temperature_explorer

LOGITS = np.log([[0.90, 0.09, 0.01], [0.2, 0.3, 0.5]])
IMAGES = np.random.default_rng(0).random((2, 28, 28))


def test_probabilities_are_those_computed_by_hand():
    # At T = 2 the probabilities are proportional to their roots: √0.9 : √0.09 : √0.01.
    result = temperature_explorer(LOGITS, IMAGES, [0, 2]).set(temperature=2.0)
    roots = np.sqrt([0.90, 0.09, 0.01])
    np.testing.assert_allclose(result.softened, roots / roots.sum())
    np.testing.assert_allclose(result.probabilities, [0.90, 0.09, 0.01])


def test_the_entropy_rises_with_the_temperature_towards_its_maximum():
    result = temperature_explorer(LOGITS, IMAGES, [0, 2]).set(temperature=20.0)
    assert (np.diff(result.entropies) > 0).all()
    assert result.entropy == pytest.approx(np.log(3), abs=0.02)


def test_the_ranking_does_not_depend_on_the_temperature():
    explorer = temperature_explorer(LOGITS, IMAGES, [0, 2])
    result = explorer.set(image=1, temperature=5.0)
    assert result.ranking.tolist() == [2, 1, 0]
    assert "first choices are 2 with" in explorer._view.picture.alt


@pytest.mark.parametrize(
    ("logits", "images", "labels"),
    [
        (LOGITS[:1], IMAGES[:1], [0]),
        (LOGITS, IMAGES[:1], [0, 2]),
        (LOGITS, IMAGES, [0]),
        (LOGITS, IMAGES, [0, 3]),
    ],
)
def test_shapes_and_labels_that_do_not_match_are_refused(logits, images, labels):
    with pytest.raises(ValueError, match="expected"):
        temperature_explorer(logits, images, labels)
