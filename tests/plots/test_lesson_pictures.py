"""The pictures of the lessons: what they draw, and what their alternative texts say."""

import numpy as np
import pytest

from deployworkbook.plots.life_cycle import COSTS, STAGES, life_cycle_picture
from deployworkbook.plots.network import network_picture
from deployworkbook.plots.parabola import parabola_paths
from deployworkbook.plots.training import (
    confusion_picture,
    labelled_images,
    training_curves,
    weight_histograms,
)
from deployworkbook.training.fit import History

HISTORY = History((0.9, 0.5, 0.4), (0.7, 0.8, 0.9), (0.8, 0.45, 0.6), (0.75, 0.85, 0.84))


def texts(picture):
    return [text.get_text() for axes in picture.axes for text in axes.texts]


def test_training_curves_draw_each_epoch_and_mark_the_one_kept():
    picture = training_curves(HISTORY)
    left, right = picture.axes
    assert left.lines[1].get_ydata().tolist() == list(HISTORY.validation_loss)
    assert right.lines[0].get_ydata().tolist() == list(HISTORY.accuracy)
    assert [axes.lines[2].get_xdata()[0] for axes in (left, right)] == [2, 2]
    assert "epoch 2 were kept" in picture.alt


def test_a_training_of_one_epoch_is_drawn():
    assert training_curves(History((1.0,), (0.5,), (0.9,), (0.6,))).png()


def test_the_confusion_picture_shows_each_nonzero_count():
    picture = confusion_picture([[50, 3], [0, 47]])
    assert sorted(texts(picture)) == ["3", "47", "50"]
    assert "97 are right, 3 wrong" in picture.alt
    assert "takes 0 for 1, 3 times" in picture.alt


def test_a_classifier_without_mistakes_is_drawn():
    picture = confusion_picture(np.diag([5, 5]))
    assert picture.png()
    assert "frequent" not in picture.alt


@pytest.mark.parametrize("count", [1, 6, 7])
def test_each_image_has_its_title_and_empty_cells_stay_blank(count):
    titles = [f"digit {i}" for i in range(count)]
    picture = labelled_images(np.zeros((count, 28, 28)), titles)
    assert [axes.get_title() for axes in picture.axes if axes.images] == titles
    assert all(not axes.axison for axes in picture.axes)


def test_weight_histograms_count_every_weight():
    rng = np.random.default_rng(0)
    picture = weight_histograms({"first": rng.normal(size=(20, 30)), "last": rng.normal(size=7)})
    heights = [sum(bar.get_height() for bar in axes.patches) for axes in picture.axes]
    assert heights == [600, 7]
    assert "600 weights" in picture.alt


def test_the_life_cycle_names_every_stage_and_cost_in_picture_and_text():
    picture = life_cycle_picture()
    for word in (*STAGES, *COSTS):
        assert word in texts(picture)
        assert word.lower() in picture.alt.lower()


def test_life_cycle_texts_do_not_overlap():
    picture = life_cycle_picture()
    picture.draw_without_rendering()
    boxes = [text.get_window_extent() for text in picture.axes[0].texts]
    overlaps = [
        (i, j) for i, a in enumerate(boxes) for j, b in enumerate(boxes[:i]) if a.overlaps(b)
    ]
    assert overlaps == []


KERNELS = [[[1.0, 1.0], [0.5, -1.0]], [[1.0, -1.0], [0.5, 1.0]]]
VALUES = [[1.0, 2.0], [2.0, 0.0], [0.5, 0.5]]
ERRORS = [[-1.0, 0.0], [-0.5, 0.5]]
GRADIENTS = [[[-1.0, 0.0], [-2.0, 0.0]], [[-1.0, 1.0], [0.0, 0.0]]]


def test_a_network_shows_its_values_and_weights_and_nothing_backward():
    picture = network_picture(KERNELS, VALUES)
    written = texts(picture)
    assert written.count("0.5") == 4  # two weights and two probabilities
    assert not [text for text in written if "δ" in text]
    assert "Inputs 1, 2; weights 1, 1, 0.5, −1 lead to hidden units 1 2, 0" in picture.alt


def test_a_network_s_errors_and_gradients_do_not_overlap():
    picture = network_picture(KERNELS, VALUES, errors=ERRORS, gradients=GRADIENTS)
    assert {"δ = −1", "δ = 0", "δ = −0.5", "δ = 0.5"} <= set(texts(picture))
    assert "probabilities 0.5, 0.5, errors −0.5, 0.5, gradients of the weights −1, 1, 0, 0" in (
        picture.alt
    )
    picture.draw_without_rendering()
    boxes = [text.get_window_extent() for text in picture.axes[0].texts]
    assert not [
        (i, j) for i, a in enumerate(boxes) for j, b in enumerate(boxes[:i]) if a.overlaps(b)
    ]


def test_paths_on_a_parabola_stand_side_by_side():
    picture = parabola_paths({0.25: [4.0, 2.0, 1.0], 1.0: [4.0, -4.0, 4.0]})
    first, second = picture.axes
    assert first.lines[1].get_ydata().tolist() == [16.0, 4.0, 1.0]
    assert second.get_title() == "η = 1"
    assert "with η = 1 it visits θ = 4, -4, 4" in picture.alt
