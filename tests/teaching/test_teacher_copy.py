"""The teacher's copies of lessons: solved, complete, and never mistaken for a learner's lesson."""

import json
import re

import nbformat
import pytest

from deployworkbook.cli import main
from deployworkbook.exercises.filling import answer_name, checked_in, is_filled, without_check
from deployworkbook.exercises.judging import judge
from deployworkbook.exercises.registry import EXERCISES, PREDICTIONS
from deployworkbook.jupyter import lessons
from deployworkbook.jupyter.lessons import catalogue, find_lesson, install
from deployworkbook.jupyter.sections import sections_of, source_of
from deployworkbook.teaching.teacher_copy import escaped, file_name, teacher_copy
from deployworkbook.workspace.folder import Workspace

IMPORTS = (
    "import math\nimport numpy as np\nfrom deployworkbook.formulas.activations import softmax\n"
)


@pytest.fixture(scope="module")
def copies():
    return {lesson.name: json.loads(teacher_copy(lesson)) for lesson in catalogue()}


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Workspace(tmp_path / "lessons")


def notes_of(notebook):
    notes = [each for each in notebook["cells"] if "teacher" in each["metadata"].get("tags", [])]
    return {note["id"].removesuffix("-teacher"): source_of(note) for note in notes}


def copy_of(workspace, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["teach", "copy", "--dir", str(workspace.root), *arguments])
    assert not ended.value.code


def copy_of_lesson_two(workspace, *arguments):
    copy_of(workspace, "02", *arguments)


def test_every_exercise_of_every_copy_is_right(copies):
    solved = {}
    for notebook in copies.values():
        for cell in notebook["cells"]:
            source = source_of(cell)
            for name in checked_in(source) if cell["cell_type"] == "code" else []:
                names = {}
                exec(IMPORTS + without_check(source), names)  # noqa: S102
                answer = names[answer_name(source, name)]
                solved[name] = judge(EXERCISES[name], answer).status, is_filled(source)
    assert solved == dict.fromkeys(EXERCISES, ("right", True))


def test_copies_are_valid_notebooks_without_outputs_that_say_what_they_are(copies):
    for lesson in catalogue():
        notebook = copies[lesson.name]
        nbformat.validate(notebook)
        assert all(not cell.get("outputs") for cell in notebook["cells"])
        assert source_of(notebook["cells"][0]).splitlines()[0].endswith("(teacher's copy)")
        assert "This is the teacher's copy" in source_of(notebook["cells"][1])
        assert notebook["metadata"]["deployworkbook"]["teacher_copy"]


def test_only_titles_links_and_exercises_differ_from_the_lesson(copies):
    for lesson in catalogue():
        shipped = json.loads(lesson.path.read_text(encoding="utf-8"))["cells"]
        notes = notes_of(copies[lesson.name])
        own = [each for each in copies[lesson.name]["cells"] if not each["id"].endswith("-teacher")]
        assert len(own) + len(notes) == len(copies[lesson.name]["cells"])
        for cell, original in zip(own, shipped, strict=True):
            is_exercise = original["cell_type"] == "code" and checked_in(source_of(original))
            linked = source_of(cell).replace("-teacher.ipynb", ".ipynb")
            is_same = cell | {"source": linked} == original | {"source": source_of(original)}
            assert is_same or is_exercise or original is shipped[0]


def test_notes_say_every_mistake_hint_and_answer(copies):
    said = "\n".join(note for notebook in copies.values() for note in notes_of(notebook).values())
    for exercise in EXERCISES.values():
        texts = [*exercise.hints, *(mistake.text for mistake in exercise.mistakes)]
        assert [text for text in texts if escaped(text) not in said] == []
    for prediction in PREDICTIONS.values():
        answer = f"“{escaped(prediction.answer)}”. {escaped(prediction.reason)}"
        assert answer in said


def test_notes_on_sections_have_minutes_and_what_to_say(copies):
    for lesson in catalogue():
        notes = notes_of(copies[lesson.name])
        for section in sections_of(lesson):
            note = notes.get(section.cells[0]["id"], "")
            assert section.say in note
            if section.minutes.total:
                assert f"**Minutes:** {section.minutes.total:g} (talk" in note
                assert ("even if you are late" in note) == section.is_core


def test_a_copy_is_never_taken_for_the_learners_lesson(workspace, capsys):
    copy_of_lesson_two(workspace, "--out", str(workspace.create().root))
    lesson = find_lesson("02")
    copy = workspace.root / file_name(lesson)
    before = copy.read_bytes()
    assert "02_loss_functions" in install(workspace).copied
    assert copy.read_bytes() == before
    with pytest.raises(ValueError, match="Did you mean 02_loss_functions"):
        find_lesson(copy.name)


def test_an_edited_copy_is_backed_up_and_an_equal_one_is_left_alone(workspace, capsys):
    copy_of_lesson_two(workspace)
    copy = workspace.root.parent / "teacher" / "02_loss_functions-teacher.ipynb"
    copy_of_lesson_two(workspace)
    assert not workspace.backups.exists()
    copy.write_text("my notes")
    copy_of_lesson_two(workspace)
    (backup,) = workspace.backups.iterdir()
    assert backup.read_text() == "my notes"
    assert f"saved as {backup}" in capsys.readouterr().out


def test_copies_go_where_they_are_asked_to(workspace, tmp_path, monkeypatch, capsys):
    copy_of_lesson_two(workspace, "--out", str(tmp_path / "mine.ipynb"))
    assert (tmp_path / "mine.ipynb").exists()
    copy_of_lesson_two(workspace, "--out", str(tmp_path))
    assert (tmp_path / "02_loss_functions-teacher.ipynb").exists()
    some = [find_lesson("00"), find_lesson("03")]
    monkeypatch.setattr(lessons, "catalogue", lambda: some)
    copy_of(workspace, "--all", "--out", str(tmp_path / "all"))
    names = {path.name for path in (tmp_path / "all").iterdir()}
    written = {"00_start_here-teacher.ipynb", "03_gradient_descent-teacher.ipynb"}
    assert names == {*written, "terms.md"}


def test_solutions_are_not_put_beside_the_learners_lessons(workspace, tmp_path, capsys):
    copy_of_lesson_two(workspace)
    assert not list(workspace.root.glob("*.ipynb"))
    assert (tmp_path / "teacher" / "02_loss_functions-teacher.ipynb").exists()
    copy_of_lesson_two(workspace, "--out", "other")
    assert {path.suffix for path in (tmp_path / "other").iterdir()} == {".ipynb", ".md"}


@pytest.mark.parametrize("arguments", [["02", "--out", "x.html"], ["--all", "--out", "x.ipynb"]])
def test_a_file_that_is_no_notebook_or_cannot_hold_all_is_refused(arguments, workspace, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["teach", "copy", *arguments])
    assert ended.value.code == 2
    assert "For example: --out x" in " ".join(capsys.readouterr().err.split())
    assert not list(workspace.root.parent.glob("x*"))


@pytest.mark.parametrize("arguments", [[], ["05", "--all"]])
def test_a_lesson_or_all_of_them_must_be_named(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["teach", "copy", *arguments])
    assert ended.value.code == 2
    assert "Name a lesson, such as 05, or give --all" in " ".join(capsys.readouterr().err.split())


def test_links_of_a_copy_lead_to_other_copies_and_to_the_terms_beside_it(workspace, copies):
    copy_of_lesson_two(workspace, "--out", "teacher")
    terms = workspace.root.parent / "teacher" / "terms.md"
    shipped = terms.read_text()
    terms.write_text("mine")
    copy_of_lesson_two(workspace, "--out", "teacher")
    # As after an upgrade: the page is today's, and what was there is kept.
    assert terms.read_text() == shipped
    (backup,) = workspace.backups.iterdir()
    assert backup.read_text() == "mine"
    names = {file_name(lesson) for lesson in catalogue()} | {"terms.md"}
    for notebook in copies.values():
        texts = [source_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
        linked = re.findall(r"\]\(([\w.-]+\.(?:ipynb|md))", "\n".join(texts))
        assert set(linked) <= names


def test_numbers_of_different_sizes_are_shown_without_exponents(copies):
    notes = "\n".join(notes_of(copies["05_quantization"]).values())
    assert "[0.011765 -128]" in notes
    assert "e-02" not in notes
