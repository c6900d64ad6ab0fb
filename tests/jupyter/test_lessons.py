"""A learner's copies of the lessons."""

import json
import threading

import pytest

from deployworkbook.jupyter import lessons as subject
from deployworkbook.jupyter.lessons import catalogue, find_lesson, install, reset
from deployworkbook.workspace.folder import Workspace


def write_lesson(folder, name, text):
    about = {"title": "T", "question": "Q?", "minutes": 5, "fast": {}}
    content = {"cells": [], "text": text, "metadata": {"deployworkbook": about}}
    (folder / f"{name}.ipynb").write_text(json.dumps(content))


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder of two lessons in the place of the workbook's."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for name in ("00_first", "01_second"):
        write_lesson(folder, name, "version 1")
    monkeypatch.setattr(subject, "lessons_directory", lambda: folder)
    return folder


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "learner")


def text_of(workspace, name):
    return json.loads((workspace.root / f"{name}.ipynb").read_text())["text"]


def test_the_workbooks_own_lessons_are_found():
    names = [lesson.name for lesson in catalogue()]
    assert names[0] == "00_start_here"
    assert "04_training" in names
    assert names == sorted(names)


@pytest.mark.parametrize("name", ["1", "01", "01_second", "01_second.ipynb", "x/01_second.ipynb"])
def test_a_lesson_is_found_by_number_and_name(shipped, name):
    assert find_lesson(name).name == "01_second"


@pytest.mark.parametrize("name", ["2", "second", "", "first", "-1", "²"])
def test_an_unknown_lesson_lists_those_that_are(shipped, name):
    with pytest.raises(ValueError, match="one of 00_first, 01_second"):
        find_lesson(name)


def test_lessons_are_copied_once(shipped, workspace):
    assert install(workspace).copied == ("00_first", "01_second")
    again = install(workspace)
    assert (again.copied, again.updated, again.kept) == ((), (), ())


def test_an_edited_lesson_stays_an_unedited_one_is_brought_up_to_date(shipped, workspace):
    install(workspace)
    write_lesson(workspace.root, "00_first", "edited")
    for name in ("00_first", "01_second"):
        write_lesson(shipped, name, "version 2")

    done = install(workspace)

    assert (done.updated, done.kept) == (("01_second",), ("00_first",))
    assert text_of(workspace, "00_first") == "edited"
    assert text_of(workspace, "01_second") == "version 2"


def test_a_version_that_was_skipped_is_still_known(shipped, workspace):
    install(workspace)
    first = (workspace.root / "00_first.ipynb").read_bytes()
    write_lesson(shipped, "00_first", "version 2")
    install(workspace)
    (workspace.root / "00_first.ipynb").write_bytes(first)  # from a backup, say
    assert install(workspace).updated == ("00_first",)


def test_a_removed_lesson_comes_back(shipped, workspace):
    install(workspace)
    (workspace.root / "00_first.ipynb").unlink()
    assert install(workspace).copied == ("00_first",)


@pytest.mark.parametrize("damage", ["{", "[]", '{"00_first": ["x"]}', '{"00_first": 1}'])
def test_without_its_record_every_file_counts_as_edited(shipped, workspace, damage):
    install(workspace)
    record = workspace.records / "lessons.json"
    record.write_text(damage)
    write_lesson(shipped, "00_first", "version 2")
    assert install(workspace).kept == ("00_first",)
    assert text_of(workspace, "00_first") == "version 1"
    (aside,) = workspace.records.glob("lessons-damaged-*.json")
    assert aside.read_text() == damage


def test_a_kill_between_record_and_file_loses_nothing(shipped, workspace, monkeypatch):
    install(workspace)
    write_lesson(shipped, "00_first", "version 2")
    real = subject.write_atomically

    def killed_before_the_lesson(path, content):
        if path.suffix == ".ipynb":
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(subject, "write_atomically", killed_before_the_lesson)
    with pytest.raises(KeyboardInterrupt):
        install(workspace)
    monkeypatch.setattr(subject, "write_atomically", real)
    assert text_of(workspace, "00_first") == "version 1"
    assert install(workspace).updated == ("00_first",)


def test_two_at_once_copy_once(shipped, workspace):
    workspace.create()
    done = []
    threads = [threading.Thread(target=lambda: done.append(install(workspace))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(each.copied) for each in done) == [0, 0, 0, 2]


def test_reset_restores_and_keeps_a_backup(shipped, workspace):
    install(workspace)
    write_lesson(workspace.root, "00_first", "edited")
    backup = reset(workspace, find_lesson("0"))
    assert text_of(workspace, "00_first") == "version 1"
    assert json.loads(backup.read_text())["text"] == "edited"
    assert reset(workspace, find_lesson("0")) is None


def test_after_a_reset_the_lesson_is_brought_up_to_date_again(shipped, workspace):
    install(workspace)
    write_lesson(workspace.root, "00_first", "edited")
    reset(workspace, find_lesson("0"))
    write_lesson(shipped, "00_first", "version 2")
    assert install(workspace).updated == ("00_first",)


def test_lessons_that_are_nowhere_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr(subject, "PACKAGE", tmp_path / "deployworkbook")
    with pytest.raises(FileNotFoundError, match="Install deployworkbook again"):
        catalogue()
