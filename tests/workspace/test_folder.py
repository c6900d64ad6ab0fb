"""Where a learner's files are, and that they are written atomically."""

import os

import pytest

from deployworkbook.ledger.book import Ledger
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.workspace.files import (
    atomic_path,
    check_writable,
    full_path,
    set_aside,
    write_atomically,
)
from deployworkbook.workspace.folder import Workspace, current_workspace


def test_the_environment_variable_takes_precedence(tmp_path, monkeypatch):
    Workspace(tmp_path / "marked").create()
    monkeypatch.chdir(tmp_path / "marked")
    monkeypatch.setenv("DEPLOYWORKBOOK_HOME", str(tmp_path / "named"))
    assert current_workspace().root == tmp_path / "named"


def test_the_nearest_marked_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.delenv("DEPLOYWORKBOOK_HOME")
    Workspace(tmp_path).create()
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "deeper")
    assert current_workspace().root == tmp_path


def test_the_default_is_in_the_home_folder(tmp_path, monkeypatch, home):
    monkeypatch.delenv("DEPLOYWORKBOOK_HOME")
    monkeypatch.chdir(tmp_path)
    assert current_workspace().root == home / "deployworkbook"


def test_a_file_in_place_of_the_workspace_is_an_error(tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(NotADirectoryError, match="Name another folder"):
        Workspace(tmp_path / "taken").create()


def mode(path):
    return path.stat().st_mode & 0o777


def test_a_new_workspace_is_private_and_an_existing_one_keeps_its_permissions(tmp_path):
    before = os.umask(0o022)
    try:
        new = Workspace(tmp_path / "deep" / "new").create()
        (tmp_path / "shared").mkdir(mode=0o755)
        shared = Workspace(tmp_path / "shared").create()
        for workspace in (new, shared):
            ledger = Ledger(workspace.ledger_path)
            ledger.add(Measurement("float32", "litert", "2", "mnist", "f"))
            Ledger(workspace.ledger_path)  # copies the row
            workspace.back_up(workspace.ledger_path)
    finally:
        os.umask(before)
    assert mode(new.root) == 0o700
    assert mode(tmp_path / "deep") == mode(shared.root) == 0o755
    for workspace in (new, shared):
        assert mode(workspace.records) == mode(workspace.backups) == 0o700
        assert mode(workspace.ledger_path) == 0o600
        assert [mode(copy) for copy in workspace.backups.glob("ledger-copy-*")] == [0o600]


def test_backups_made_in_one_second_have_different_names(tmp_path):
    workspace = Workspace(tmp_path)
    lesson = tmp_path / "a.ipynb"
    copies = []
    for text in ("first", "second", "third"):
        lesson.write_text(text)
        copies.append(workspace.back_up(lesson))
    assert [copy.read_text() for copy in copies] == ["first", "second", "third"]


def test_a_failed_write_leaves_only_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def write():
        with atomic_path(path) as temporary:
            temporary.write_text("half of the n")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_keeps_the_permissions(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    write_atomically(path, "new é")
    assert path.read_text(encoding="utf-8") == "new é"
    assert path.stat().st_mode & 0o777 == 0o640


def test_set_aside_renames_and_keeps_the_file(tmp_path):
    path = tmp_path / "ledger.sqlite"
    kept = []
    for text in ("one", "two"):
        path.write_text(text)
        kept.append(set_aside(path))
    assert not path.exists()
    assert [each.read_text() for each in kept] == ["one", "two"]


def test_check_writable_leaves_the_file_unchanged(tmp_path):
    path = tmp_path / "new" / "report.xml"
    check_writable(path)
    assert list(path.parent.iterdir()) == []
    path.write_text("old")
    check_writable(path)
    assert path.read_text() == "old"


def test_a_loop_of_links_is_an_error(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "a")
    with pytest.raises(OSError, match=r"a can't be resolved.*Choose another path"):
        full_path(tmp_path / "a")
