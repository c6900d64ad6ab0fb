"""The frontier as points, and its picture."""

import pytest

from deployworkbook.compression.frontier import frontier
from deployworkbook.measurement import Measurement
from deployworkbook.plots.frontier import frontier_picture


def form(name, size, correct, **more):
    return Measurement(
        name,
        "litert",
        "2",
        "mnist",
        "",
        compressed_bytes=size,
        correct=correct,
        examples=100,
        **more,
    )


FORMS = [form("float32", 400, 97), form("pruned", 100, 98), form("int8", 150, 96)]


def test_points_come_by_cost_and_say_who_is_beaten():
    points = frontier(FORMS)
    assert [(p.name, p.cost, p.on_frontier) for p in points] == [
        ("pruned", 100, True),
        ("int8", 150, False),
        ("float32", 400, False),
    ]


def test_what_was_not_measured_is_named():
    with pytest.raises(ValueError, match="int8.*latency_p50_ms measured"):
        frontier([form("int8", 150, 96)], cost="latency_p50_ms")
    with pytest.raises(ValueError, match="one of"):
        frontier(FORMS, cost="money")


def test_the_picture_draws_all_and_joins_the_best():
    picture = frontier_picture(
        frontier([*FORMS, form("tiny", 10, 90)]), cost="bytes, zipped", baseline="float32"
    )
    (axes,) = picture.axes
    best, others, _ = axes.lines
    assert best.get_xdata().tolist() == [10, 100]
    assert others.get_ydata().tolist() == [0.96, 0.97]
    assert {text.get_text() for text in axes.texts} == {"float32", "pruned", "int8", "tiny"}
    assert "tiny at 10 with 90.00%; pruned at 100 with 98.00%" in picture.alt
    assert picture.png()
