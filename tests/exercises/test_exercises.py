"""Exercises: that they diagnose what learners answer."""

import inspect
import json
import math
import re
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from html import escape

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

from deployworkbook.exercises import check, progress
from deployworkbook.exercises.checking import find_exercise
from deployworkbook.exercises.declaration import Exercise
from deployworkbook.exercises.judging import judge
from deployworkbook.exercises.progress import record, summary
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.workspace.folder import RUN_VARIABLE, Workspace, current_workspace
from tests.exercises.trying import try_often
from tests.processes import CONTEXT

ALL = list(EXERCISES.values())


def test_the_reference_answers_are_right():
    statuses = {exercise.id: judge(exercise, exercise.reference).status for exercise in ALL}
    assert statuses == dict.fromkeys(statuses, "right")


@pytest.mark.parametrize("stub", [..., None, lambda *arguments: ..., lambda *arguments: None])
def test_a_stub_counts_as_not_answered(stub):
    for exercise in ALL:
        asks_for_it = not callable(stub) or exercise.cases
        expected = {"not answered"} if asks_for_it else {"not answered", "not yet"}
        assert judge(exercise, stub).status in expected, exercise.id


@pytest.mark.parametrize("lesson", sorted({exercise.id.partition(".")[0] for exercise in ALL}))
def test_each_named_mistake_gets_its_own_message(lesson):
    for exercise in ALL:
        if exercise.id.partition(".")[0] != lesson:
            continue
        texts = [mistake.text for mistake in exercise.mistakes]
        assert len(set(texts)) == len(texts), exercise.id
        for mistake in exercise.mistakes:
            verdict = judge(exercise, mistake.answer)
            assert (verdict.status, verdict.text) == ("not yet", f"Not yet. {mistake.text}")


@pytest.mark.parametrize(
    "answer",
    ["text", [1, "a"], float("nan"), {}, np.zeros((3, 3)), lambda: 1, lambda *a: "x", object()],
    ids=["text", "list", "nan", "dict", "array", "no arguments", "returns text", "object"],
)
def test_no_answer_raises_an_error(answer, capsys):
    for exercise in ALL:
        check(exercise.id, answer)
        assert capsys.readouterr().out.startswith("Not yet. "), exercise.id


def hint_for(exercise_id, answer, capsys):
    check(exercise_id, answer)
    found = re.search(r"^(?:Hint|Solution): (.*)$", capsys.readouterr().out, re.MULTILINE)
    return found[1] if found else ""


def test_each_new_wrong_answer_gets_the_next_hint(capsys):
    exercise = EXERCISES["losses.mean"]
    hints = [
        hint_for("losses.mean", lambda targets, predictions, wrong=wrong: wrong, capsys)
        for wrong in np.arange(100.0, 101.0 + len(exercise.hints))
    ]
    assert hints == [*exercise.hints, exercise.hints[-1]]


def test_solution_and_right_value_come_after_the_hints_and_are_folded(monkeypatch, capsys):
    shown = []
    monkeypatch.setattr("deployworkbook.exercises.checking.display", shown.append)
    exercise = EXERCISES["plan.rate"]
    for wrong in (1.5, 2.5, 3.5):
        assert shown == []
        check("plan.rate", lambda service, objective, wrong=wrong: wrong)
    assert [fold.title for fold in shown] == ["Solution", "Right value for these arguments"]
    assert [fold.text for fold in shown] == [exercise.hints[-1], "107.897"]
    printed = capsys.readouterr().out
    assert exercise.hints[-1] not in printed
    assert "107.897" not in printed


def test_a_headless_run_folds_the_hints_of_an_exercise_without_an_answer(monkeypatch):
    shown = []
    monkeypatch.setattr("deployworkbook.exercises.checking.display", shown.append)
    check("plan.rate", ...)
    assert shown == []
    monkeypatch.setenv(RUN_VARIABLE, "1")
    check("plan.rate", ...)
    assert [fold.title for fold in shown] == ["Hint", "Hint", "Solution"]
    for fold in shown:
        html = DisplayFormatter().format(fold)[0]["text/html"]
        assert html.startswith(f"<details><summary>{fold.title}</summary>")
        assert escape(fold.text) in html


def test_a_repeated_answer_gets_the_same_hint_and_is_not_a_new_try(capsys):
    exercise = EXERCISES["training.weights"]
    assert hint_for("training.weights", 7, capsys) == exercise.hints[0]
    assert hint_for("training.weights", 8, capsys) == exercise.hints[1]
    for _ in range(3):
        assert hint_for("training.weights", 7, capsys) == exercise.hints[0]
    (row,) = [row for row in summary(current_workspace()) if row.lesson == exercise.lesson]
    assert row.tries == 2


@pytest.mark.parametrize(
    ("exercise_id", "answer"),
    [
        ("training.weights", "text"),
        ("losses.mean", lambda targets: 0.0),
        ("losses.mean", lambda targets, predictions: 1 / 0),
        ("losses.mean", EXERCISES["losses.mean"].mistakes[0].answer),
    ],
    ids=["type", "arguments", "error", "named mistake"],
)
def test_a_recognised_mistake_uses_up_no_hint(exercise_id, answer, capsys):
    for _ in range(3):
        assert hint_for(exercise_id, answer, capsys) == ""
    wrong = 123.0 if exercise_id == "training.weights" else lambda targets, predictions: 123.0
    assert hint_for(exercise_id, wrong, capsys) == EXERCISES[exercise_id].hints[0]


def said(exercise_id, answer, capsys):
    check(exercise_id, answer)
    return capsys.readouterr().out


def test_printing_instead_of_returning_is_explained(capsys):
    def mean(targets, predictions):
        print(4.33)

    out = said("losses.mean", mean, capsys)
    assert "printed 4.33 but returned nothing" in out
    assert "`return ...`" in out
    assert out.startswith("4.33")  # what a function prints is still shown


def test_a_function_that_prints_and_returns_is_judged_by_what_it_returns(capsys):
    def mean(targets, predictions):
        print("looking")
        return np.mean((targets - predictions) ** 2)

    assert "Right." in said("losses.mean", mean, capsys)


def test_a_wrong_number_of_arguments_is_named(capsys):
    out = said("losses.mean", lambda x: 0.0, capsys)
    assert "called with 2 arguments" in out
    assert "(x)" in out
    assert "checking" not in out
    assert "answer(" not in out


def test_an_error_in_a_library_quotes_the_learners_own_line(capsys):
    def mean(targets, predictions):
        return np.linalg.inv(targets - predictions)

    out = said("losses.mean", mean, capsys)
    assert "LinAlgError" in out
    assert '"return np.linalg.inv(targets - predictions)"' in out


@pytest.mark.parametrize("leave", [sys.exit, exit])
def test_an_answer_that_calls_exit_does_not_end_the_notebook(leave, capsys):
    def mean(targets, predictions):
        leave()

    assert "called exit()" in said("losses.mean", mean, capsys)


def test_an_endless_loop_is_stopped(capsys):
    exercise = Exercise(
        "a.b", "a function", lambda x: x, hints=("h",), cases=((1,),), time_limit_s=0.2
    )
    ended = threading.Event()

    def loop(x):
        try:
            while True:
                pass
        finally:
            ended.set()

    verdict = judge(exercise, loop)
    assert verdict.status == "not yet"
    assert "stopped after 0.2 s" in verdict.text
    assert ended.wait(60)


def test_the_time_limit_works_in_any_thread():
    exercise = Exercise(
        "a.b", "a function", lambda x: x, hints=("h",), cases=((1,),), time_limit_s=0.2
    )

    def loop(x):
        while True:
            pass

    with ThreadPoolExecutor(1) as pool:
        assert "stopped" in pool.submit(judge, exercise, loop).result().text


def test_interrupting_a_check_interrupts_the_answer():
    def wait(targets, predictions):
        signal.raise_signal(signal.SIGINT)
        time.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        judge(EXERCISES["losses.mean"], wait)


@pytest.mark.parametrize("answer", ["50890", "1280", b"7", 1 + 2j, ["50890"], {7}, [None]])
def test_text_and_other_types_are_not_numbers(answer, capsys):
    out = said("training.weights", answer, capsys)
    assert "Expected: a whole number of weights. Received:" in out


@pytest.mark.parametrize(
    "answer", [50890, 50890.0, np.int64(50890), Fraction(50890), Decimal(50890)]
)
def test_every_kind_of_real_number_is_a_number(answer):
    assert judge(EXERCISES["training.weights"], answer).status == "right"


def test_a_scalar_and_an_array_are_distinguished_in_words(capsys):
    out = said("descent.step", lambda parameters, gradient, rate: 1.0, capsys)
    assert "an array of shape (2,)" in out
    assert "Received: a single number" in out
    assert "shape ()" not in out


@pytest.mark.parametrize("exercise_id", ["plan.percentiles", "plan.interval"])
def test_long_arguments_are_shown_by_their_ends(exercise_id, capsys):
    parameters = len(inspect.signature(EXERCISES[exercise_id].reference).parameters)
    function = (lambda first, second: 1.0) if parameters == 2 else (lambda costs: [1.0, 2.0])
    out = said(exercise_id, function, capsys)
    assert "values)" in out
    assert len(out) < 500


def test_a_rounded_answer_is_told_to_keep_more_digits(capsys):
    exact = EXERCISES["plan.rate"].reference
    out = said(
        "plan.rate", lambda service, objective: float(f"{exact(service, objective):.2g}"), capsys
    )
    assert "rounded" in out
    assert "4 significant digits" in out
    assert "Hint" not in out


def test_the_lessons_rounded_constant_is_accepted():
    def rate(service, objective):
        return (1 - service * 4.605 / objective) / service

    assert judge(EXERCISES["plan.rate"], rate).status == "right"


@pytest.mark.parametrize("method", ["linear", "inverted_cdf", "nearest", "lower", "higher"])
def test_every_usual_definition_of_a_percentile_is_accepted(method):
    def percentile(first, second):
        return np.percentile(first + second, 99, method=method)

    assert judge(EXERCISES["plan.percentiles"], percentile).status == "right"


def test_truncating_a_zero_point_is_distinguished_from_rounding():
    def grid(low, high, bits, to_integer=round):
        low, high = min(low, 0), max(high, 0)
        scale = (high - low) / (2**bits - 1)
        return scale, to_integer(-(2 ** (bits - 1)) - low / scale)

    exercise = EXERCISES["quantization.zero_point"]
    assert judge(exercise, grid).status == "right"
    for cut in (int, math.floor, math.trunc):
        verdict = judge(exercise, lambda *range_, cut=cut: grid(*range_, to_integer=cut))
        assert verdict.status == "not yet"


def test_a_grid_without_zero_is_not_accepted():
    def grid(low, high, bits):
        scale = (high - low) / (2**bits - 1)
        lowest = -(2 ** (bits - 1))
        return scale, np.clip(round(lowest - low / scale), lowest, -lowest - 1)

    verdict = judge(EXERCISES["quantization.zero_point"], grid)
    assert "the scale still belongs to a range without 0" in verdict.text


def test_received_and_expected_are_shown_but_not_the_answer(capsys):
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


def test_a_function_may_modify_its_arguments():
    def mean(targets, predictions):
        targets -= predictions
        return (targets**2).mean()

    for _ in range(2):
        assert judge(EXERCISES["losses.mean"], mean).status == "right"


def test_a_wrong_shape_is_named(capsys):
    check("descent.step", lambda parameters, gradient, rate: (parameters - rate * gradient)[:1])
    assert "an array of shape (2,). Received: an array of shape (1,)" in capsys.readouterr().out


def test_an_unknown_name_suggests_the_closest():
    with pytest.raises(ValueError, match=r"losses\.mean"):
        find_exercise("losses.means")


def test_every_exercise_belongs_to_a_lesson_that_asks_it():
    lessons = {lesson.name: lesson.path.read_text() for lesson in catalogue()}
    for exercise in ALL:
        assert f'check(\\"{exercise.id}\\"' in lessons[exercise.lesson]


def test_an_exercise_without_hints_or_with_wrong_cases_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Exercise("a.b", "a number", 1.0, hints=())
    with pytest.raises(ValueError, match="cases for a function"):
        Exercise("a.b", "a function", lambda x: x, hints=("h",))
    with pytest.raises(ValueError, match="cases for a function"):
        Exercise("a.b", "a number", 1.0, hints=("h",), cases=((1,),))


def test_a_solved_exercise_stays_solved(tmp_path):
    workspace = Workspace(tmp_path)
    for number, solved in enumerate((False, True, False)):
        record("losses.mean", solved=solved, answer_key=str(number), workspace=workspace)
    (row,) = [row for row in summary(workspace) if row.lesson == "02_loss_functions"]
    assert (row.solved, row.tries) == (1, 3)
    assert row.total == sum(exercise.lesson == row.lesson for exercise in ALL)


def test_the_time_of_the_first_right_answer_is_kept(tmp_path, monkeypatch):
    times = iter(["first", "second"])
    monkeypatch.setattr(progress, "_now", lambda: next(times))
    workspace = Workspace(tmp_path)
    for _ in range(2):
        record("losses.mean", solved=True, answer_key="right", workspace=workspace)
    records = json.loads((workspace.records / "progress.json").read_text())
    assert records["losses.mean"]["solved_at"] == "first"


def test_progress_of_an_earlier_version_is_read(tmp_path):
    workspace = Workspace(tmp_path).create()
    old = {"losses.mean": {"tries": 4, "solved_at": "2026-11-01T10:00:00+00:00"}}
    (workspace.records / "progress.json").write_text(json.dumps(old))
    record("losses.mean", solved=False, answer_key="new", workspace=workspace)
    (row,) = [row for row in summary(workspace) if row.lesson == "02_loss_functions"]
    assert (row.solved, row.tries) == (1, 5)


def test_two_notebooks_at_once_record_every_try(tmp_path):
    names = ["losses.mean", "descent.step"]
    processes = [CONTEXT.Process(target=try_often, args=(tmp_path, name)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert sum(row.tries for row in summary(Workspace(tmp_path))) == 40


@pytest.mark.parametrize(
    "damage",
    ["{", "[]", '{"losses.mean": 1}', '{"losses.mean": {"tries": "4"}}', '{"losses.mean": {}}'],
)
def test_damaged_progress_is_set_aside_with_a_notice(tmp_path, damage, caplog):
    workspace = Workspace(tmp_path).create()
    path = workspace.records / "progress.json"
    path.write_text(damage)
    assert record("losses.mean", solved=True, answer_key="a", workspace=workspace) == -1
    (aside,) = workspace.records.glob("progress-damaged-*.json")
    assert aside.read_text() == damage
    assert aside.name in caplog.text
    assert set(json.loads(path.read_text())) == {"losses.mean"}
