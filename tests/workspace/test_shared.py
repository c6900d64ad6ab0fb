"""Models that were made beforehand are only read, checked first, and never executed."""

import json
import os
import shutil
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from deployworkbook.formulas import losses
from deployworkbook.privacy.kept import arrays_once
from deployworkbook.workspace import cache, shared
from deployworkbook.workspace.cache import build_once, is_kept
from deployworkbook.workspace.collecting import closed_to_others
from deployworkbook.workspace.folder import SHARED_VARIABLE, Workspace
from deployworkbook.workspace.manifest import MANIFEST, write_manifest

NAME = "mlp-digits-0123456789abcdef"
NOBODY = 65534


def read_text(folder):
    return (folder / "result.txt").read_text()


class Learner:
    """A learner with a workspace, who counts what is built and hears what is told."""

    def __init__(self, root):
        self.models = Workspace(root).create().models
        self.built, self.told = [], []

    def ask(self, name=NAME, load=read_text):
        def build(folder):
            self.built.append(folder)
            (folder / "result.txt").write_text("own")

        return build_once(self.models / name, build=build, load=load, notice=self.told.append)


@pytest.fixture
def learner(tmp_path):
    return Learner(tmp_path / "learner")


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A folder of shared models with one result."""
    folder = tmp_path / "shared"
    folder.mkdir()
    monkeypatch.setenv(SHARED_VARIABLE, str(folder))
    put(folder)
    return folder


def put(folder, name=NAME, **files):
    place = folder / name
    place.mkdir()
    for file, content in (files or {"result": b"shared"}).items():
        (place / f"{file}.txt").write_bytes(content)
    write_manifest(place)
    return place


def state_of(folder):
    """Everything that a write could change."""
    return {
        path: (path.lstat().st_mtime_ns, path.lstat().st_mode, path.lstat().st_size)
        for path in [folder, *folder.rglob("*")]
    }


def test_a_shared_result_is_loaded_and_nothing_is_written_anywhere(prepared, learner):
    before = state_of(prepared)
    assert learner.ask() == ("shared", False)
    assert is_kept(learner.models / NAME)
    assert learner.built == learner.told == []
    assert not learner.models.exists()
    assert state_of(prepared) == before


def test_shared_results_are_looked_at_before_own_ones(tmp_path, learner, monkeypatch):
    assert learner.ask() == ("own", True)
    (tmp_path / "later").mkdir()
    put(tmp_path / "later")
    monkeypatch.setenv(SHARED_VARIABLE, str(tmp_path / "later"))
    assert learner.ask() == ("shared", False)


def test_results_outside_of_a_workspace_have_no_shared_copies(prepared, tmp_path):
    def build(folder):
        (folder / "result.txt").write_text("own")

    assert build_once(tmp_path / "models" / NAME, build=build, load=read_text) == ("own", True)


def test_the_models_of_a_workspace_may_be_named_as_shared(learner, monkeypatch):
    monkeypatch.setenv(SHARED_VARIABLE, str(learner.models))
    assert learner.ask() == ("own", True)
    assert learner.ask() == ("own", False)
    assert learner.told == [f"{SHARED_VARIABLE} names {learner.models}, which is not a folder. "
                            "The models in your own folder are used instead."]  # fmt: skip


def test_a_missing_shared_result_is_built_in_the_own_folder_and_told_once(prepared, learner):
    assert learner.ask("other") == ("own", True)
    assert learner.ask("one more") == ("own", True)
    (told,) = learner.told
    assert "other is not among the shared models" in told
    assert SHARED_VARIABLE in told
    assert [each.name for each in prepared.iterdir()] == [NAME]


def test_programs_are_not_looked_for_among_the_shared_models(prepared, learner):
    def build(folder):
        (folder / "result.txt").write_text("own")

    how = {"build": build, "load": read_text, "notice": pytest.fail, "shareable": False}
    assert build_once(learner.models / NAME, **how) == ("own", True)
    assert build_once(learner.models / "other", **how) == ("own", True)


def test_a_stage_that_is_missing_everywhere_is_not_kept(prepared, learner):
    assert not is_kept(learner.models / "other")


@pytest.mark.parametrize("value", ["missing", "file"])
def test_a_path_that_is_no_folder_is_told_with_its_variable(tmp_path, learner, monkeypatch, value):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(SHARED_VARIABLE, str(tmp_path / value))
    assert [learner.ask(), learner.ask()] == [("own", True), ("own", False)]
    (told,) = learner.told
    assert SHARED_VARIABLE in told
    assert str(tmp_path / value) in told


def test_a_folder_that_may_not_be_read_is_told_with_its_variable(prepared, learner, monkeypatch):
    monkeypatch.setattr(shared.os, "access", lambda *arguments: False)
    assert learner.ask() == ("own", True)
    assert "may not read" in learner.told[0]


def change(place):
    (place / "result.txt").write_text("changed")


def add_link(place):
    (place / "more").symlink_to("/etc/passwd")


def add_file(place):
    (place / "more.txt").write_text("more")


def add_pipe(place):
    os.mkfifo(place / "more")


def replace_by_device(place):
    (place / "result.txt").unlink()
    (place / "result.txt").symlink_to("/dev/zero")
    (place / MANIFEST).write_text("{}")


def replace_by_pipe(place):
    (place / MANIFEST).unlink()
    os.mkfifo(place / MANIFEST)


def replace_by_link(place):
    moved = place.rename(place.parent.parent / "elsewhere")
    place.symlink_to(moved)


def list_file_outside(place):
    (place.parent / "outside").write_text("secret")
    (place / MANIFEST).write_text(json.dumps({"../outside": "0" * 64}))


def list_folder(place):
    (place / "deep").mkdir()
    (place / MANIFEST).write_text(json.dumps({"deep": "0" * 64, "result.txt": "0" * 64}))


def remove_manifest(place):
    (place / MANIFEST).unlink()


def list_nothing(place):
    (place / MANIFEST).write_text('["result.txt"]')


def add_program(place):
    (place / "1").mkdir()
    (place / "1" / "saved_model.pb").write_bytes(b"")
    write_manifest(place)


def enlarge_manifest(place):
    with (place / MANIFEST).open("r+") as file:
        file.truncate(10_000_001)


@pytest.mark.parametrize(
    "damage",
    [
        *(change, add_link, add_file, add_pipe, replace_by_device, replace_by_pipe),
        *(replace_by_link, list_file_outside, list_folder, remove_manifest, list_nothing),
        *(add_program, enlarge_manifest),
    ],
)
def test_a_damaged_or_hostile_result_is_left_alone_and_told_once(prepared, learner, damage):
    damage(prepared / NAME)
    before = state_of(prepared)
    assert learner.ask() == ("own", True)
    assert learner.ask() == ("own", False)
    (told,) = learner.told
    assert NAME in told
    assert SHARED_VARIABLE in told
    assert state_of(prepared) == before


def test_hidden_files_that_a_system_leaves_do_no_harm(prepared, learner):
    (prepared / NAME / ".DS_Store").write_text("")
    assert learner.ask() == ("shared", False)


def test_an_error_of_any_kind_while_loading_leads_to_the_own_folder(prepared, learner):
    def load(folder):
        if folder.is_relative_to(prepared):
            raise RuntimeError("of another format")
        return read_text(folder)

    assert learner.ask(load=load) == ("own", True)
    assert "of another format" in learner.told[0]


class Trap:
    """Leaves a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_pickled_arrays_are_not_unpickled(tmp_path, learner, prepared, monkeypatch):
    monkeypatch.setenv("DEPLOYWORKBOOK_HOME", str(learner.models.parent))

    def ask():
        made = {"a": np.ones(2)}, {"record": 1}
        return arrays_once("x", {}, lambda: made, code=losses, notice=learner.told.append)

    ask()
    (own,) = learner.models.glob("x-*")
    place = shutil.move(own, prepared / own.name)
    np.savez(place / "arrays.npz", a=np.array([Trap(tmp_path / "sprung")], dtype=object))
    write_manifest(place)
    learner.told.clear()
    arrays, record = ask()
    assert arrays["a"].tolist() == [1, 1]
    assert record == {"record": 1}
    assert not (tmp_path / "sprung").exists()
    assert "pickle" in learner.told[0]


def test_many_learners_load_a_shared_result_at_once_without_a_lock(prepared, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise AssertionError("a shared result takes no lock")

    monkeypatch.setattr(cache, "FileLock", refuse)
    inside = threading.Barrier(5)

    def load(folder):
        inside.wait(30)  # passed only if all five are loading at the same time
        return read_text(folder)

    learners = [Learner(tmp_path / str(number)) for number in range(5)]
    found = []
    threads = [
        threading.Thread(target=lambda each=each: found.append(each.ask(load=load)))
        for each in learners
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [("shared", False)] * 5


@contextmanager
def another_user():
    """Become nobody if this is root, who may write whatever the permissions are."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@contextmanager
def open_folder():
    """Make a folder that other users get into; pytest's own are closed to them."""
    places = (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
    place = next(each for each in places if closed_to_others(Path(each)) is None)
    with tempfile.TemporaryDirectory(dir=place) as root:
        Path(root).chmod(0o777)
        yield Path(root)


@pytest.fixture
def open_to_all(monkeypatch):
    """A folder of shared models that other users get at."""
    with open_folder() as root:
        folder = root / "shared"
        folder.mkdir()
        put(folder)
        monkeypatch.setenv(SHARED_VARIABLE, str(folder))
        yield folder
        for path in (folder, folder / NAME):
            path.chmod(0o755)


def test_another_user_reads_shared_models_that_nobody_may_write(open_to_all):
    for path in [*open_to_all.rglob("*"), open_to_all]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = state_of(open_to_all)
    with another_user():
        learner = Learner(open_to_all.parent / "learner")
        with pytest.raises(PermissionError):
            (open_to_all / NAME / "mine").write_text("")
        assert learner.ask() == ("shared", False)
        assert learner.ask("other") == ("own", True)
    assert state_of(open_to_all) == before


def test_a_file_that_may_not_be_read_leads_to_the_own_folder(open_to_all):
    (open_to_all / NAME / "result.txt").chmod(0)
    with another_user():
        learner = Learner(open_to_all.parent / "learner")
        assert learner.ask() == ("own", True)
    assert "ermission" in learner.told[0]


def test_a_lock_in_the_own_folder_delays_no_shared_load(prepared, learner):
    learner.models.mkdir()
    with FileLock(learner.models / f".{NAME}.lock"):
        assert learner.ask() == ("shared", False)
