"""Exercises: that they diagnose what learners answer."""

import json
import multiprocessing

import numpy as np
import pytest

from deployworkbook.exercises import check
from deployworkbook.exercises.catalogue import EXERCISES
from deployworkbook.exercises.checking import find_exercise, judge
from deployworkbook.exercises.declaration import Exercise
from deployworkbook.exercises.progress import record, summary
from deployworkbook.lessons import catalogue
from deployworkbook.workspace import Workspace

ALL = list(EXERCISES.values())
MISTAKES = [(exercise, mistake) for exercise in ALL for mistake in exercise.mistakes]
CONTEXT = multiprocessing.get_context("spawn")


def try_often(folder, name):
    for _ in range(20):
        record(name, solved=False, workspace=Workspace(folder))


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
def test_the_reference_is_right(exercise):
    assert judge(exercise, exercise.reference).status == "right"


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
@pytest.mark.parametrize("stub", [..., None, lambda *arguments: ..., lambda *arguments: None])
def test_a_stub_is_not_answered_or_not_yet(exercise, stub):
    assert judge(exercise, stub).status in {"not answered", "not yet"}
    if not callable(stub) or exercise.cases:
        assert judge(exercise, stub).status == "not answered"


@pytest.mark.parametrize(
    ("exercise", "mistake"), MISTAKES, ids=[f"{e.id}-{e.mistakes.index(m)}" for e, m in MISTAKES]
)
def test_each_named_mistake_gets_its_own_message(exercise, mistake):
    verdict = judge(exercise, mistake.answer)
    assert verdict.status == "not yet"
    assert verdict.text == f"Not yet. {mistake.text}"
    assert [m.text for m in exercise.mistakes].count(mistake.text) == 1


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
@pytest.mark.parametrize(
    "answer",
    ["text", [1, "a"], float("nan"), {}, np.zeros((3, 3)), lambda: 1, lambda *a: "x", object()],
)
def test_nothing_that_is_answered_raises(exercise, answer, capsys):
    check(exercise.id, answer)
    assert capsys.readouterr().out.startswith("Not yet. ")


def test_hints_grow_with_each_try_and_the_last_is_repeated(capsys):
    exercise = EXERCISES["losses.mean"]
    hints = []
    for _ in range(len(exercise.hints) + 1):
        check(exercise.id, lambda targets, predictions: 123.0)
        hints.append(capsys.readouterr().out.partition("Hint: ")[2].strip())
    assert hints == [*exercise.hints, exercise.hints[-1]]


def test_what_was_received_and_expected_is_said_but_not_the_answer(capsys):
    check("training.weights", 7)
    said = capsys.readouterr().out
    assert "Expected: a whole number of weights. Received: 7." in said
    assert "50,890" not in said
    assert "50890" not in said


def test_an_error_of_the_learners_function_is_shown_with_its_line(capsys):
    def mean(targets, predictions):
        return targets.no_such_thing

    check("losses.mean", mean)
    said = capsys.readouterr().out
    assert "AttributeError" in said
    assert '"return targets.no_such_thing"' in said


def test_a_function_that_changes_its_arguments_spoils_nothing():
    def mean(targets, predictions):
        targets -= predictions
        return (targets**2).mean()

    for _ in range(2):
        assert judge(EXERCISES["losses.mean"], mean).status == "right"


def test_a_wrong_shape_is_named(capsys):
    check("descent.step", lambda parameters, gradient, rate: (parameters - rate * gradient)[:1])
    assert "shape (2,). Received: shape (1,)" in capsys.readouterr().out


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(ValueError, match=r"losses\.mean"):
        find_exercise("losses.means")


def test_every_exercise_belongs_to_a_lesson_that_asks_it():
    lessons = {lesson.name: lesson.path.read_text() for lesson in catalogue()}
    for exercise in ALL:
        assert f'check(\\"{exercise.id}\\"' in lessons[exercise.lesson]


def test_an_exercise_without_hints_or_with_wrong_cases_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Exercise("a.b", "l", "a number", 1.0, hints=())
    with pytest.raises(ValueError, match="cases for a function"):
        Exercise("a.b", "l", "a function", lambda x: x, hints=("h",))
    with pytest.raises(ValueError, match="cases for a function"):
        Exercise("a.b", "l", "a number", 1.0, hints=("h",), cases=((1,),))


def test_what_is_solved_stays_solved(tmp_path):
    workspace = Workspace(tmp_path)
    for solved in (False, True, False):
        record("losses.mean", solved=solved, workspace=workspace)
    (row,) = [row for row in summary(workspace) if row.lesson == "02_loss_functions"]
    assert (row.solved, row.tries) == (1, 3)
    assert row.total == sum(exercise.lesson == row.lesson for exercise in ALL)


def test_two_notebooks_at_once_lose_no_try(tmp_path):
    names = ["losses.mean", "descent.step"]
    processes = [CONTEXT.Process(target=try_often, args=(tmp_path, name)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert sum(row.tries for row in summary(Workspace(tmp_path))) == 40


@pytest.mark.parametrize("damage", ["{", "[]", '{"losses.mean": 1}', '{"losses.mean": {}}'])
def test_damaged_progress_is_set_aside_with_a_notice(tmp_path, damage, capsys):
    workspace = Workspace(tmp_path).create()
    path = workspace.records / "progress.json"
    path.write_text(damage)
    assert record("losses.mean", solved=True, workspace=workspace) == 1
    (aside,) = workspace.records.glob("progress-damaged-*.json")
    assert aside.read_text() == damage
    assert aside.name in capsys.readouterr().out
    assert set(json.loads(path.read_text())) == {"losses.mean"}
