"""The list of lessons: what is solved, what is left, and always up to date."""

import asyncio
import json
import re
from dataclasses import replace

import pytest

import deployworkbook
from deployworkbook.exercises.progress import record
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.jupyter.contents import FreshLessonList
from deployworkbook.jupyter.lab import EXTENSIONS
from deployworkbook.jupyter.lesson_list import (
    LESSON_LIST,
    ListedLesson,
    lesson_list_as_markdown,
    listed_lessons,
    write_lesson_list,
)
from deployworkbook.jupyter.lessons import catalogue, find_lesson
from deployworkbook.workspace.folder import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "learner").create()


@pytest.fixture
def page(workspace):
    return workspace.root / LESSON_LIST


def solve(workspace, number):
    """Solve a lesson's first exercise."""
    name = find_lesson(number).name
    exercise = next(each for each in EXERCISES.values() if each.lesson == name)
    record(exercise.id, solved=True, answer_key="right", workspace=workspace)


def test_it_lists_each_lesson_with_link_question_minutes_and_exercises(workspace):
    lines = lesson_list_as_markdown(listed_lessons(workspace)).splitlines()
    rows = [line for line in lines if line.startswith("| [")]
    assert len(rows) == len(catalogue())
    for row, lesson in zip(rows, catalogue(), strict=True):
        total = sum(each.lesson == lesson.name for each in EXERCISES.values())
        assert row.startswith(f"| [{lesson.number} {lesson.title}]({lesson.path.name})<br>")
        assert f"{lesson.question} | {lesson.minutes} |" in row
        assert f">0 of {total}<" in row


def test_a_new_learner_is_sent_to_the_first_lesson(workspace):
    where = lesson_list_as_markdown(listed_lessons(workspace)).splitlines()[2]
    minutes = sum(lesson.minutes for lesson in catalogue())
    assert where.startswith("Begin with [00 Start here](00_start_here.ipynb).")
    assert f"about {minutes // 60} h {minutes % 60} min." in where


def test_a_returning_learner_is_sent_to_the_first_lesson_with_something_to_solve():
    first, second, third = (
        replace(lesson, minutes=minutes)
        for lesson, minutes in zip(catalogue()[:3], (20, 60, 45), strict=True)
    )
    lessons = [ListedLesson(first, 1, 1), ListedLesson(second, 3, 6), ListedLesson(third, 0, 5)]
    where = lesson_list_as_markdown(lessons).splitlines()[2]
    # Half of the 60 minutes of lesson 01 and all 45 of lesson 02, of 20 + 60 + 45.
    assert where == (
        "Go on with [01 Deployment cost](01_deployment_cost.ipynb). You have solved 4 of 12 "
        "exercises; about 1 h 15 min of 2 h 5 min are left."
    )


def test_a_learner_who_has_solved_everything_is_sent_nowhere():
    where = lesson_list_as_markdown([ListedLesson(find_lesson("02"), 5, 5)]).splitlines()[2]
    assert where.startswith("You have solved all 5 exercises.")


def test_an_edited_page_is_backed_up_and_ones_own_is_not(workspace, page):
    write_lesson_list(workspace)
    solve(workspace, "02")
    write_lesson_list(workspace)
    assert not workspace.backups.exists()
    page.write_text("mine")
    write_lesson_list(workspace)
    assert [each.read_text() for each in workspace.backups.iterdir()] == ["mine"]
    assert page.read_text() == lesson_list_as_markdown(listed_lessons(workspace))


def test_a_page_that_is_up_to_date_is_not_written(workspace, page):
    write_lesson_list(workspace)
    written = page.stat()
    write_lesson_list(workspace)
    assert page.stat().st_ino == written.st_ino


@pytest.mark.parametrize("damage", ["{", '"text"', ""])
def test_without_a_valid_record_a_page_counts_as_edited(workspace, page, damage):
    write_lesson_list(workspace)
    (workspace.records / "lesson_list.json").write_text(damage)
    solve(workspace, "02")
    write_lesson_list(workspace)
    assert len(list(workspace.backups.iterdir())) == 1


def test_after_a_kill_between_record_and_page_the_page_is_known(workspace, page):
    write_lesson_list(workspace)
    old = page.read_text()
    solve(workspace, "02")
    write_lesson_list(workspace)
    page.write_text(old)  # the record knows the new page already
    write_lesson_list(workspace)
    assert not workspace.backups.exists()
    assert page.read_text() != old


def test_the_server_writes_it_when_a_page_asks_for_it(workspace):
    files = FreshLessonList(root_dir=str(workspace.root))

    def shown():
        return asyncio.run(files.get(LESSON_LIST))["content"]

    assert "Begin with" in shown()
    solve(workspace, "02")
    assert "Go on with" in shown()
    assert asyncio.run(files.get("", content=False))["type"] == "directory"


def test_a_list_that_cannot_be_written_is_shown_as_it_is(workspace, page, monkeypatch, caplog):
    page.write_text("old")

    def refuse(_):
        raise PermissionError("read-only")

    monkeypatch.setattr("deployworkbook.jupyter.contents.write_lesson_list", refuse)
    files = FreshLessonList(root_dir=str(workspace.root))
    assert asyncio.run(files.get(LESSON_LIST))["content"] == "old"
    assert "lessons.md is not up to date: read-only" in caplog.text


def test_the_extension_of_the_pages_is_as_jupyterlab_loads_it():
    folder = EXTENSIONS / "deployworkbook"
    about = json.loads((folder / "package.json").read_text())
    assert about["version"] == deployworkbook.__version__
    script = (folder / about["jupyterlab"]["_build"]["load"]).read_text()
    assert f'const NAME = "{about["name"]}"' in script
    assert re.search(r'const LESSON_LIST = "(.+)"', script)[1] == LESSON_LIST
