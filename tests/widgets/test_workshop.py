"""A workshop builds only when its button is pressed."""

import threading
import time

import numpy as np
import pytest

from deployworkbook.plots.budget import Budget, FrontierPoint
from deployworkbook.widgets.build_progress import BuildCancelled
from deployworkbook.widgets.controls import Slider
from deployworkbook.widgets.workshop import Workshop, frontier_of

START = FrontierPoint("float32", 380_000, 0.977, 5.0)
BUDGET = Budget(compressed_bytes=20_000, accuracy=0.97)


@pytest.fixture
def made():
    return []


@pytest.fixture
def workshop(made):
    def make(progress, sparsity):
        made.append(sparsity)
        if sparsity == 0.1:
            raise RuntimeError("no <such> thing")
        return FrontierPoint(f"pruned-{sparsity:.2f}", int(100_000 * (1 - sparsity)), 0.98, 4.0)

    return Workshop(
        [Slider("sparsity", "sparsity", 0.0, 0.99, 0.01, 0.5)], make, points=[START], budget=BUDGET
    )


def test_moving_a_control_builds_nothing(workshop, made):
    workshop._widgets["sparsity"].value = 0.7
    assert not made
    assert workshop.result.points == (START,)
    workshop._button.click()
    workshop.wait()
    assert made == [0.7]
    assert workshop.result.points[-1].name == "pruned-0.70"
    assert not workshop._button.disabled


def test_results_are_kept_and_the_newest_is_judged(workshop):
    workshop.set(sparsity=0.7)
    assert "misses the budget" in workshop._view.picture.alt
    result = workshop.set(sparsity=0.9)
    assert "meets the budget" in workshop._view.picture.alt
    assert len(result.points) == 3
    np.testing.assert_array_equal(result.smallest, [False, False, True])
    workshop.reset()
    assert workshop.values == {"sparsity": 0.5}
    assert len(workshop.result.points) == 3


def test_an_error_is_shown_and_raised_and_results_are_kept(workshop):
    workshop.set(sparsity=0.9)
    with pytest.raises(RuntimeError):
        workshop.set(sparsity=0.1)
    assert "no &lt;such&gt; thing" in workshop._shown.value
    assert not workshop._button.disabled
    assert len(workshop.set(sparsity=0.8).points) == 3


def test_an_error_after_a_click_is_shown_and_the_next_build_works(workshop):
    workshop._widgets["sparsity"].value = 0.1
    workshop._button.click()
    workshop.wait()
    assert "no &lt;such&gt; thing" in workshop._shown.value
    assert "failed" in workshop._said.value
    assert len(workshop.set(sparsity=0.9).points) == 2


class Slow:
    """A workshop whose builds go on until they are cancelled."""

    def __init__(self):
        self.has_begun = threading.Event()
        self.names = []
        self.workshop = Workshop(
            [Slider("sparsity", "sparsity", 0.0, 0.99, 0.01, 0.5)],
            self.make,
            points=[START],
            budget=BUDGET,
        )

    def make(self, progress, sparsity):
        self.names.append(threading.current_thread().name)
        while True:
            progress.update()
            self.has_begun.set()
            time.sleep(0.001)


@pytest.fixture
def slow():
    slow = Slow()
    yield slow
    slow.workshop.cancel()
    slow.workshop.wait()


def test_the_button_builds_in_the_background_and_cancel_ends_it(slow):
    workshop = slow.workshop
    picture = workshop._shown.value
    workshop._button.click()
    assert slow.has_begun.wait(60)
    assert slow.names != [threading.current_thread().name]
    assert (workshop._button.disabled, workshop._cancel.disabled) == (True, False)
    workshop._cancel.click()
    assert workshop.wait().points == (START,)
    assert "Cancelled" in workshop._said.value
    assert workshop._shown.value == picture
    assert (workshop._button.disabled, workshop._cancel.disabled) == (False, True)


def test_a_second_build_at_the_same_time_is_refused(slow):
    slow.workshop._button.click()
    with pytest.raises(RuntimeError, match="already running"):
        slow.workshop.build()


def test_cancelling_a_build_in_a_cell_is_raised_there(slow):
    def cancel():
        slow.has_begun.wait(60)
        slow.workshop.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(BuildCancelled):
        slow.workshop.build()
    thread.join()
    assert slow.workshop.result.points == (START,)


def test_interrupting_a_cell_cancels_its_build():
    def interrupted(progress, sparsity):
        raise KeyboardInterrupt

    controls = [Slider("sparsity", "sparsity", 0.0, 0.99, 0.01, 0.5)]
    workshop = Workshop(controls, interrupted, points=[START], budget=BUDGET)
    with pytest.raises(KeyboardInterrupt):
        workshop.build()
    assert "Cancelled" in workshop._said.value
    assert not workshop._button.disabled


def test_a_worse_newer_variant_does_not_hide_the_best():
    budget = Budget(compressed_bytes=7000, accuracy=0.97)
    made = {
        6: FrontierPoint("prune97-e6-int4-e2", 6500, 0.9754, 3.0),
        1: FrontierPoint("prune97-e1-int4-e1", 6400, 0.9520, 3.0),
    }
    controls = [Slider("epochs", "epochs", 1, 40, 1, 6)]
    workshop = Workshop(
        controls, lambda progress, epochs: made[epochs], points=[START], budget=budget
    )
    workshop.set(epochs=6)
    result = workshop.set(epochs=1)
    assert [point.name for point in result.points] == ["float32", made[6].name, made[1].name]
    text = workshop._view.picture.alt
    assert "The newest, prune97-e1-int4-e1" in text
    assert "The smallest variant within the budget is prune97-e6-int4-e2" in text
    (row,) = [name for name, value in workshop._view.table(result) if "within" in value]
    assert row == "2 prune97-e6-int4-e2"


def test_a_rebuilt_variant_has_one_row(workshop):
    workshop.set(sparsity=0.7)
    workshop.set(sparsity=0.9)
    result = workshop.set(sparsity=0.7)
    assert [point.name for point in result.points] == ["float32", "pruned-0.90", "pruned-0.70"]


def test_the_bundle_has_a_picture_and_a_row_per_variant(workshop):
    workshop.set(sparsity=0.9)
    bundle = workshop._repr_mimebundle_()
    assert {"text/html", "image/png", "text/plain"} <= set(bundle)
    assert "1 float32: 380,000 bytes zipped, 97.70%, 5.0 µs" in bundle["text/plain"]
    assert "2 pruned-0.90" in bundle["text/plain"]


@pytest.mark.usefixtures("drawn")
def test_one_variant_and_equal_variants_can_be_drawn():
    from deployworkbook.plots.frontier import FrontierView

    view = FrontierView()
    for points in ([START], [START, START]):
        assert view.draw(frontier_of(points))[0][0].startswith(b"\x89PNG")
