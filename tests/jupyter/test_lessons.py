"""The shipped lessons and a learner's copies."""

import json
import threading

import pytest

from deployworkbook.jupyter import lessons as subject
from deployworkbook.jupyter.lessons import catalogue, find_lesson, install, put_beside, reset
from deployworkbook.workspace.folder import Workspace


def write_lesson(folder, name, text):
    about = {"title": "T", "question": "Q?", "minutes": 5, "fast": {}}
    content = {"cells": [], "text": text, "metadata": {"deployworkbook": about}}
    (folder / f"{name}.ipynb").write_text(json.dumps(content))


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder of two lessons that stands in for the workbook's."""
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


def test_the_shipped_lessons_are_found():
    names = [lesson.name for lesson in catalogue()]
    assert names[0] == "00_start_here"
    assert "04_training" in names
    assert names == sorted(names)


@pytest.mark.parametrize("name", ["1", "01", "01_second", "01_second.ipynb", "x/01_second.ipynb"])
def test_a_lesson_is_found_by_number_and_name(shipped, name):
    assert find_lesson(name).name == "01_second"


@pytest.mark.parametrize("name", ["2", "second", "", "first", "-1", "²"])
def test_the_error_for_an_unknown_lesson_lists_all(shipped, name):
    with pytest.raises(ValueError, match="one of 00_first, 01_second"):
        find_lesson(name)


def test_lessons_are_copied_once(shipped, workspace):
    assert install(workspace).copied == ("00_first", "01_second")
    again = install(workspace)
    assert (again.copied, again.updated, again.kept) == ((), (), ())


def test_an_edited_lesson_is_kept_and_an_unedited_one_updated(shipped, workspace):
    install(workspace)
    write_lesson(workspace.root, "00_first", "edited")
    for name in ("00_first", "01_second"):
        write_lesson(shipped, name, "version 2")

    done = install(workspace)

    assert (done.updated, done.kept) == (("01_second",), ("00_first",))
    assert text_of(workspace, "00_first") == "edited"
    assert text_of(workspace, "01_second") == "version 2"


def test_an_earlier_version_restored_by_hand_counts_as_unedited(shipped, workspace):
    install(workspace)
    first = (workspace.root / "00_first.ipynb").read_bytes()
    write_lesson(shipped, "00_first", "version 2")
    install(workspace)
    (workspace.root / "00_first.ipynb").write_bytes(first)  # from a backup, say
    assert install(workspace).updated == ("00_first",)


def test_a_deleted_lesson_is_copied_again(shipped, workspace):
    install(workspace)
    (workspace.root / "00_first.ipynb").unlink()
    assert install(workspace).copied == ("00_first",)


@pytest.mark.parametrize("damage", ["{", "[]", '{"00_first": ["x"]}', '{"00_first": 1}'])
def test_with_a_damaged_record_every_file_counts_as_edited(shipped, workspace, damage):
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


def test_concurrent_installs_copy_once(shipped, workspace):
    workspace.create()
    done = []
    threads = [threading.Thread(target=lambda: done.append(install(workspace))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(each.copied) for each in done) == [0, 0, 0, 2]


def test_reset_restores_the_lesson_and_backs_up_the_edited_one(shipped, workspace):
    install(workspace)
    write_lesson(workspace.root, "00_first", "edited")
    backup = reset(workspace, find_lesson("0"))
    assert text_of(workspace, "00_first") == "version 1"
    assert json.loads(backup.read_text())["text"] == "edited"
    assert reset(workspace, find_lesson("0")) is None


def test_a_reset_lesson_is_updated_again(shipped, workspace):
    install(workspace)
    write_lesson(workspace.root, "00_first", "edited")
    reset(workspace, find_lesson("0"))
    write_lesson(shipped, "00_first", "version 2")
    assert install(workspace).updated == ("00_first",)


@pytest.fixture
def edited(shipped, workspace):
    """Edits of the first version of a lesson that has since been shipped as version 2."""
    install(workspace)
    write_lesson(workspace.root, "00_first", "edited")
    assert install(workspace).outdated == {}
    write_lesson(shipped, "00_first", "version 2")
    return find_lesson("00")


def test_an_edited_lesson_older_than_the_shipped_one_is_outdated(edited, workspace):
    done = install(workspace)
    assert (done.kept, done.outdated) == (("00_first",), {"00_first": None})
    assert install(workspace).outdated == {"00_first": None}


def test_a_file_without_a_record_is_edited_but_not_called_outdated(shipped, workspace):
    workspace.create()
    write_lesson(workspace.root, "00_first", "from elsewhere")
    done = install(workspace)
    assert (done.kept, done.outdated) == (("00_first",), {})


def test_the_new_lesson_is_put_beside_the_edited_one(edited, workspace):
    path = put_beside(workspace, edited)
    assert path == workspace.root / "00_first-new.ipynb"
    assert text_of(workspace, "00_first-new") == "version 2"
    assert text_of(workspace, "00_first") == "edited"
    assert install(workspace).outdated == {"00_first": path}
    assert put_beside(workspace, edited) == path
    assert len(list(workspace.root.glob("*.ipynb"))) == 3


def test_an_unedited_new_lesson_is_brought_up_to_date(edited, shipped, workspace):
    path = put_beside(workspace, edited)
    write_lesson(shipped, "00_first", "version 3")
    assert install(workspace).outdated == {"00_first": None}
    assert put_beside(workspace, edited) == path
    assert text_of(workspace, "00_first-new") == "version 3"


def test_a_learners_own_files_of_that_name_are_left_alone(edited, workspace):
    (workspace.root / "00_first-new.ipynb").mkdir(parents=True)
    write_lesson(workspace.root, "00_first-new-2", "mine")
    path = put_beside(workspace, edited)
    assert path.name == "00_first-new-3.ipynb"
    write_lesson(workspace.root, "00_first-new-3", "merged")
    assert install(workspace).outdated == {"00_first": path}
    assert put_beside(workspace, edited).name == "00_first-new-4.ipynb"
    assert text_of(workspace, "00_first-new-2") == "mine"
    assert text_of(workspace, "00_first-new-3") == "merged"


def test_a_new_lesson_in_the_place_of_the_old_is_no_longer_outdated(edited, shipped, workspace):
    put_beside(workspace, edited).replace(workspace.root / "00_first.ipynb")
    assert install(workspace).kept == ()
    write_lesson(shipped, "00_first", "version 3")
    assert install(workspace).updated == ("00_first",)


def test_an_edited_new_lesson_in_the_place_of_the_old_is_no_longer_outdated(edited, workspace):
    put_beside(workspace, edited).replace(workspace.root / "00_first.ipynb")
    write_lesson(workspace.root, "00_first", "edited again")
    done = install(workspace)
    assert (done.kept, done.outdated) == (("00_first",), {})


def test_a_kill_while_the_new_lesson_is_written_loses_nothing(edited, workspace, monkeypatch):
    real = subject.write_atomically

    def killed_after_the_lesson(path, content):
        real(path, content)
        if path.suffix == ".ipynb":
            raise KeyboardInterrupt

    monkeypatch.setattr(subject, "write_atomically", killed_after_the_lesson)
    with pytest.raises(KeyboardInterrupt):
        put_beside(workspace, edited)
    monkeypatch.setattr(subject, "write_atomically", real)
    assert install(workspace).outdated == {"00_first": None}
    assert put_beside(workspace, edited).name == "00_first-new.ipynb"
    assert text_of(workspace, "00_first") == "edited"


def test_missing_lessons_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(subject, "PACKAGE", tmp_path / "deployworkbook")
    with pytest.raises(FileNotFoundError, match="Reinstall deployworkbook"):
        catalogue()
