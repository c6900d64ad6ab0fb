"""Folders are replaced atomically, even with concurrent readers and writers."""

import errno
import threading
from pathlib import Path

import pytest

from deployworkbook.workspace import files
from deployworkbook.workspace.files import atomic_folder, exchange


@pytest.fixture(params=["swapped", "renamed twice"])
def way(request, monkeypatch):
    """Both ways of replacing a folder: a swap in one step, and two renames."""
    if request.param == "renamed twice":
        monkeypatch.setattr(files, "exchange", lambda first, second: False)
    return request.param


def write(target, text):
    with atomic_folder(target) as folder:
        (folder / "first").write_text(text)
        (folder / "second").write_text(text)


def read(target):
    return {path.name: path.read_text() for path in target.iterdir()}


def test_missing_parents_are_created(tmp_path):
    write(tmp_path / "a" / "b", "1")
    assert read(tmp_path / "a" / "b") == {"first": "1", "second": "1"}


def test_a_second_write_replaces_the_first_and_leaves_no_stray_files(way, tmp_path):
    write(tmp_path / "target", "1")
    (tmp_path / "target" / "stale").write_text("old")
    write(tmp_path / "target", "2")
    assert read(tmp_path / "target") == {"first": "2", "second": "2"}
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_an_existing_file_is_replaced(way, tmp_path):
    (tmp_path / "target").write_text("of an earlier version")
    write(tmp_path / "target", "1")
    assert read(tmp_path / "target") == {"first": "1", "second": "1"}
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_a_failure_keeps_the_old_folder(way, tmp_path):
    write(tmp_path / "target", "1")

    def fail():
        with atomic_folder(tmp_path / "target") as folder:
            (folder / "first").write_text("2")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert read(tmp_path / "target") == {"first": "1", "second": "1"}
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_concurrent_writers_leave_one_complete_version(way, tmp_path):
    target = tmp_path / "target"
    errors = []

    def work(own):
        try:
            for turn in range(30):
                write(target, f"{own}-{turn}")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(own,)) for own in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    found = read(target)
    assert found["first"] == found["second"]
    assert found["first"].endswith("-29")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_an_obstacle_that_vanishes_does_not_fail_the_write(way, tmp_path, monkeypatch):
    target = tmp_path / "target"
    write(target, "1")
    rename = Path.rename
    calls = []

    def gone_in_between(path, to):
        calls.append(to)
        if len(calls) == 1:
            rename(target, tmp_path / "elsewhere")
            raise OSError(errno.ENOTEMPTY, "Directory not empty")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", gone_in_between)
    write(target, "2")
    assert read(target) == {"first": "2", "second": "2"}


def test_names_are_swapped_in_one_step(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if not exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this system cannot swap names")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["a"]
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "a", tmp_path / "none")


def test_a_read_only_file_system_is_an_error(tmp_path, monkeypatch):
    def fail(self, target):
        raise OSError(errno.EROFS, "read-only file system")

    monkeypatch.setattr("pathlib.Path.rename", fail)
    with pytest.raises(OSError, match="read-only"):
        write(tmp_path / "target", "1")
    assert list(tmp_path.iterdir()) == []
