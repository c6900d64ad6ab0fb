"""What a kernel holds before TensorFlow: a class on one machine has one for each learner.

The lessons run once for these tests and those of ``test_runs.py``.
"""

import json

import pytest

from deployworkbook.jupyter.lessons import catalogue

LESSONS = {lesson.name: lesson for lesson in catalogue()}
MOST_MB = 200


@pytest.fixture
def notes_on(run_fast):
    """Run a lesson; give its cells with what the kernel held after each."""

    def notes(name):
        _, folder = run_fast(LESSONS[name])
        lines = (folder / "ipython" / "memory.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    return notes


def test_up_to_the_comparing_cell_lesson_02_is_small(notes_on, record_property):
    cells = notes_on("02_loss_functions")
    comparing = next(
        n for n, cell in enumerate(cells) if "deployworkbook.training" in cell["source"]
    )
    assert comparing > 5
    last = cells[comparing - 1]
    record_property("kernel before TensorFlow", f"{last['megabytes']:.0f} MB")
    assert last["megabytes"] < MOST_MB
    assert not last["tensorflow"]


# The lesson on costs has many explorers.
@pytest.mark.parametrize(
    ("name", "most"), [("01_deployment_cost", 250), ("03_gradient_descent", MOST_MB)]
)
def test_it_never_loads_tensorflow(notes_on, name, most):
    last = notes_on(name)[-1]
    assert last["megabytes"] < most
    assert not last["tensorflow"]
