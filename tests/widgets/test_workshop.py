"""A workshop makes what its controls say when its button is pressed, and only then."""

import numpy as np
import pytest

from deployworkbook.plots.frontier import Budget, Point
from deployworkbook.widgets.controls import Slider
from deployworkbook.widgets.workshop import Workshop, frontier_of

START = Point("float32", 380_000, 0.977, 5.0)
BUDGET = Budget(compressed_bytes=20_000, accuracy=0.97)


@pytest.fixture
def made():
    return []


@pytest.fixture
def workshop(made):
    def make(sparsity):
        made.append(sparsity)
        if sparsity == 0.1:
            raise RuntimeError("no <such> thing")
        return Point(f"pruned-{sparsity:.2f}", int(100_000 * (1 - sparsity)), 0.98, 4.0)

    return Workshop(
        [Slider("sparsity", "sparsity", 0.0, 0.99, 0.01, 0.5)], make, points=[START], budget=BUDGET
    )


def test_nothing_is_made_before_the_button_is_pressed(workshop, made):
    workshop._widgets["sparsity"].value = 0.7
    assert not made
    assert workshop.result.points == (START,)
    workshop._button.click()
    assert made == [0.7]
    assert workshop.result.points[-1].name == "pruned-0.70"
    assert not workshop._button.disabled


def test_what_was_made_stays_and_the_verdict_is_about_the_newest(workshop):
    workshop.set(sparsity=0.7)
    assert "misses the budget" in workshop._view.picture.alt
    result = workshop.set(sparsity=0.9)
    assert "keeps within the budget" in workshop._view.picture.alt
    assert len(result.points) == 3
    np.testing.assert_array_equal(result.smallest, [False, False, True])
    workshop.reset()
    assert workshop.values == {"sparsity": 0.5}
    assert len(workshop.result.points) == 3


def test_an_error_is_shown_and_raised_and_nothing_is_lost(workshop):
    workshop.set(sparsity=0.9)
    with pytest.raises(RuntimeError):
        workshop.set(sparsity=0.1)
    assert "no &lt;such&gt; thing" in workshop._shown.value
    assert not workshop._button.disabled
    assert len(workshop.set(sparsity=0.8).points) == 3


def test_its_bundle_has_a_picture_and_a_row_for_each_form(workshop):
    workshop.set(sparsity=0.9)
    bundle = workshop._repr_mimebundle_()
    assert {"text/html", "image/png", "text/plain"} <= set(bundle)
    assert "1 float32: 380,000 bytes zipped, 97.70%, 5.0 µs" in bundle["text/plain"]
    assert "2 pruned-0.90" in bundle["text/plain"]


def test_a_single_form_and_equal_forms_can_be_drawn():
    from deployworkbook.plots.frontier import FrontierView

    view = FrontierView()
    assert view.draw(frontier_of([START])).startswith(b"\x89PNG")
    assert view.draw(frontier_of([START, START])).startswith(b"\x89PNG")
