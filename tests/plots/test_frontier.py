"""The frontier's picture: limits that are missed are named, and labels don't overlap."""

import itertools

import numpy as np
import pytest
from matplotlib.text import Text

from deployworkbook.plots.budget import Budget, FrontierPoint
from deployworkbook.plots.frontier import FrontierView
from deployworkbook.widgets.workshop import frontier_of

BUDGET = Budget(compressed_bytes=5000, accuracy=0.97, epochs=10)
START = FrontierPoint("float32", 380_000, 0.977, 5.0)
GOOD = FrontierPoint("good", 4000, 0.972, 3.0, epochs=10)


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, []),
        ({"compressed_bytes": 5001}, ["1 byte too many"]),
        ({"compressed_bytes": 6234}, ["1,234 bytes too many"]),
        ({"accuracy": 0.96995}, ["0.01 points of accuracy too few"]),
        ({"accuracy": 0.95}, ["2.00 points of accuracy too few"]),
        ({"epochs": 11}, ["1 epoch too many"]),
        (
            {"accuracy": 0.969, "epochs": 26},
            ["0.10 points of accuracy too few", "16 epochs too many"],
        ),
    ],
)
def test_a_budget_says_which_limits_are_missed_and_by_how_much(change, missed):
    point = FrontierPoint(**vars(GOOD) | change)
    assert BUDGET.misses(point) == missed
    assert BUDGET.is_met_by(point) == (not missed)
    assert (BUDGET.score(point) > 0) == (not missed)


def test_the_score_is_a_hundred_at_the_limit_and_grows_as_the_file_shrinks():
    sizes = (5000, 4000, 2500)
    points = [FrontierPoint("a", size, 0.98, 3.0) for size in sizes]
    assert [BUDGET.score(point) for point in points] == [100, 125, 200]


def test_without_a_limit_on_epochs_any_number_is_allowed():
    budget = Budget(5000, 0.97)
    assert budget.is_met_by(FrontierPoint("long", 4000, 0.98, 3.0, epochs=1000))
    assert "epoch" not in str(budget)


def test_the_newest_is_judged_and_the_best_score_is_named():
    view = FrontierView()
    assert "No variant meets the budget yet" in view.judge(frontier_of([START], BUDGET))
    assert "375,000 bytes too many" in view.judge(frontier_of([START], BUDGET))
    better = FrontierPoint("better", 2500, 0.971, 3.0, epochs=8)
    assert "Score: 200. That is the best so far" in view.judge(frontier_of([GOOD, better], BUDGET))
    later = view.judge(frontier_of([better, GOOD], BUDGET))
    assert "Score: 125." in later
    assert "better" in later
    assert "Best score so far: 200." in later
    assert view.judge(frontier_of([START])) == ""


def test_rows_have_epochs_scores_and_what_is_missed():
    slow = FrontierPoint("slow", 4500, 0.98, 3.0, epochs=26)
    rows = dict(FrontierView().table(frontier_of([START, slow, GOOD], BUDGET)))
    assert rows["2 slow"].endswith("26 epochs, on the frontier; 16 epochs too many")
    assert rows["3 good"].endswith("the smallest within the budget; score 125")


def many_points():
    """Variants as a learner makes them: most of them close together, two in the same place."""
    rng = np.random.default_rng(0)
    crowd = [
        FrontierPoint(f"c{i}", int(size), accuracy, latency, epochs=10)
        for i, (size, accuracy, latency) in enumerate(
            zip(
                rng.uniform(3500, 4300, 9),
                rng.uniform(0.968, 0.972, 9),
                rng.uniform(9, 10, 9),
                strict=True,
            )
        )
    ]
    return [START, FrontierPoint("pqat", 19_000, 0.951, 11.0), *crowd, crowd[-1]]


def test_labels_cover_neither_each_other_nor_a_marker():
    view = FrontierView()
    result = frontier_of(many_points(), BUDGET)
    # Twice: the layout is final after the first picture.
    view.draw(result)
    view.draw(result)
    for panel in view._panels:
        # The text alone, without the line to its marker.
        boxes = [Text.get_window_extent(text) for text in panel._numbers]
        assert len(boxes) == len(result.points)
        for one, other in itertools.combinations(boxes, 2):
            assert not one.overlaps(other)
        places = panel.axes.transData.transform(panel._points.get_xydata())
        for box in boxes:
            # In pixels; a marker reaches two and a half points.
            assert not any(box.padded(-2).contains(*place) for place in places)
        inside = panel.axes.bbox.padded(6)
        assert all(inside.contains(*box.get_points().mean(axis=0)) for box in boxes)
