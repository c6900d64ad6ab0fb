"""A workshop is played without learners: verdicts and waits are as planned, or it fails."""

import json
from dataclasses import replace

import pytest

from deployworkbook.cli import main
from deployworkbook.execution.outputs import nbformat
from deployworkbook.jupyter.lessons import catalogue, find_lesson
from deployworkbook.jupyter.sections import heading_of, sections_of
from deployworkbook.teaching import rehearsal
from deployworkbook.teaching.planning import make_plan
from deployworkbook.teaching.rehearsal import rehearse
from deployworkbook.teaching.simulated import KINDS, answer_all
from deployworkbook.teaching.slots import SLOTS
from deployworkbook.teaching.timing import SectionTime, Timed
from deployworkbook.teaching.waits import shipped_waits
from deployworkbook.workspace.folder import Workspace
from tests.teaching.waits import alike

PLAN = make_plan(SLOTS["60"], [], alike(20.0, 40.0))


@pytest.fixture
def played(monkeypatch, tmp_path):
    """Play a plan without a kernel; the class waits for each section, and reads each verdict."""

    answers = []

    def play(plan=PLAN, *, wait_s=1.0, pace_s=0.1, say=lambda answer: answer.expected):
        def time_lessons(lessons, folder, home, *, edit, **_):
            return [timed(lesson, edit) for lesson in lessons]

        def timed(lesson, edit):
            cells = edit(lesson, json.loads(lesson.path.read_text())["cells"])
            said = {answer.cell: say(answer) for answer in answers}
            for cell in cells:
                if cell["cell_type"] == "code":
                    text = said.get(cell["id"], "")
                    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
            notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.from_dict, cells)))
            path = tmp_path / lesson.path.name
            nbformat.write(notebook, path)
            times, title = {}, ""
            for cell in cells:
                title = heading_of(cell) or title
                if title and (cell["cell_type"] == "code" or title not in times):
                    waited_s = wait_s * (cell["cell_type"] == "code")
                    times[title] = SectionTime(waited_s, pace_s)
            return Timed(lesson, times, path)

        monkeypatch.setattr(rehearsal, "time_lessons", time_lessons)
        return rehearse(plan, Workspace(tmp_path / "home"))

    def answered(cells):
        result = answer_all(cells)
        answers.extend(result[1])
        return result

    monkeypatch.setattr(rehearsal, "answer_all", answered)
    return play


def test_the_workshop_of_an_hour_goes_as_planned(home):
    plan = make_plan(SLOTS["60"], [], shipped_waits())
    done = rehearse(plan, Workspace(home / "deployworkbook").create())
    assert [each for each in done.answers if not each.is_as_planned] == []
    assert [each for each in done.sections if not each.is_in_time] == []
    assert {each.answer.kind for each in done.answers} == set(KINDS)
    assert len(done.sections) == len(plan.steps)
    assert done.trained_models == ()


@pytest.mark.parametrize("lesson", catalogue(), ids=lambda lesson: lesson.name)
def test_every_exercise_and_every_guess_is_answered_in_turns(lesson):
    cells, answers = answer_all(json.loads(lesson.path.read_text())["cells"])
    sections = sections_of(lesson)
    asked = [name for section in sections for name in (*section.exercises, *section.predictions)]
    assert sorted(answer.name for answer in answers) == sorted(asked)
    sources = {cell["id"]: cell["source"] for cell in cells}
    for answer in answers:
        if not answer.cell.endswith("-guess"):
            assert ("usual_mistake(" in sources[answer.cell]) == (answer.kind == "wrong")
    for cell in cells:
        if cell["cell_type"] == "code" and "%" not in cell["source"]:
            compile(cell["source"], cell["id"], "exec")


def test_only_the_plan_s_sections_are_played(played):
    done = played()
    assert [each.title for each in done.sections] == [step.section.title for step in PLAN.steps]
    names = {each.answer.name for each in done.answers}
    assert "costs.machines" in names
    assert "costs.edge" not in names
    assert done.passes


def test_a_wait_that_is_longer_than_planned_by_half_fails(played):
    allowed_s = 1.5 * 20 + 10
    assert played(wait_s=allowed_s).passes
    late = played(wait_s=allowed_s + 0.1)
    assert not late.passes
    with_code = [each for each in late.sections if each.planned_s]
    assert with_code
    assert not any(each.is_in_time for each in with_code)


def test_a_slower_machine_gets_as_much_more_time_and_a_faster_one_no_less(played):
    slow = played(wait_s=2 * 1.5 * 20 + 10, pace_s=0.2)
    assert slow.passes
    assert {each.slower_ratio for each in slow.sections} == {2.0}
    assert {each.slower_ratio for each in played(pace_s=0.01).sections} == {1.0}


def test_a_verdict_that_is_not_as_planned_fails(played):
    done = played(say=lambda answer: "Right.")
    wrong = [each for each in done.answers if not each.is_as_planned]
    assert {each.answer.kind for each in wrong} >= {"wrong", "late"}
    assert not done.passes


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_reports_and_exits_with_1_if_something_failed(
    played, monkeypatch, capsys, as_json
):
    done = replace(played(wait_s=500), trained_models=("mlp",))
    monkeypatch.setattr(rehearsal, "rehearse", lambda *_: done)
    with pytest.raises(SystemExit) as ended:
        main(["teach", "rehearse", "60", *(["--json"] if as_json else [])])
    assert ended.value.code == 1
    said = capsys.readouterr().out
    if as_json:
        report = json.loads(said)
        assert not report["passes"]
        assert report["sections"][0]["measured_s"] == 500
        assert not report["sections"][0]["is_in_time"]
        assert report["trained_models"] == ["mlp"]
    else:
        assert "preload them: mlp" in said
        assert "Sections that took too long: 5 of 7." in said


def test_models_are_read_from_the_workspace(monkeypatch, tmp_path):
    given = {}

    def time_lessons(lessons, folder, home, *, environment, edit, **_):
        given.update(environment, home=home)
        raise InterruptedError

    monkeypatch.setattr(rehearsal, "time_lessons", time_lessons)
    workspace = Workspace(tmp_path / "own").create()
    for models in (False, True):
        if models:
            workspace.models.mkdir()
        with pytest.raises(InterruptedError):
            rehearse(PLAN, workspace)
        assert given["home"] != workspace.root
        assert ("DEPLOYWORKBOOK_SHARED_MODELS" in given) == models
    assert find_lesson("01") in PLAN.lessons
