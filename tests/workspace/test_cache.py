"""Results are built once, completely or not at all."""

import errno
import json
import os
import signal
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from deployworkbook.workspace import cache
from deployworkbook.workspace.cache import MANIFEST, build_once, key_of
from tests.processes import CONTEXT


def write_text(text):
    return lambda folder: (folder / "result.txt").write_text(text)


def read_text(folder):
    return (folder / "result.txt").read_text()


def make(folder, text="made", notices=None):
    notice = (notices if notices is not None else []).append
    return build_once(folder, build=write_text(text), load=read_text, notice=notice)


def log_and_write(log, started, go, folder):
    with log.open("a") as lines:
        lines.write("built\n")
    started.set()
    go.wait(60)
    (folder / "result.txt").write_text("whole")


def build_slowly(folder, log, started, go):
    """Build in a second process: signal the start, then wait for permission to finish."""
    build_once(
        folder,
        build=lambda target: log_and_write(log, started, go, target),
        load=read_text,
        notice=lambda text: None,
    )


def test_a_result_is_built_once_and_then_loaded(tmp_path):
    assert make(tmp_path / "a", "first") == ("first", True)
    assert make(tmp_path / "a", "second") == ("first", False)


def test_waiting_for_another_process_can_be_interrupted(tmp_path):
    asked = []

    def end():
        asked.append(True)
        if len(asked) == 2:
            raise KeyboardInterrupt

    with FileLock(tmp_path / ".a.lock"), pytest.raises(KeyboardInterrupt):
        build_once(
            tmp_path / "a",
            build=write_text("made"),
            load=read_text,
            notice=lambda text: None,
            waiting=end,
        )
    assert make(tmp_path / "a") == ("made", True)


def test_a_build_that_fails_leaves_nothing(tmp_path):
    def fail(folder):
        (folder / "half").write_text("half")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        build_once(tmp_path / "a", build=fail, load=read_text)
    assert [path.name for path in tmp_path.iterdir()] == [".a.lock"]
    assert make(tmp_path / "a") == ("made", True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "result.txt").write_text("changed"),
        lambda folder: (folder / "result.txt").unlink(),
        lambda folder: (folder / MANIFEST).unlink(),
        lambda folder: (folder / MANIFEST).write_text("{"),
        lambda folder: (folder / MANIFEST).write_text("[]"),
    ],
)
def test_a_damaged_result_is_set_aside_and_rebuilt(tmp_path, damage):
    make(tmp_path / "a", "first")
    damage(tmp_path / "a")
    notices = []
    assert make(tmp_path / "a", "second", notices) == ("second", True)
    (aside,) = tmp_path.glob("a-damaged-*")
    assert aside.is_dir()
    assert len(notices) == 1
    assert aside.name in notices[0]


def refuse(*arguments, **options):
    raise AssertionError("a warm load takes no lock")


def test_a_warm_load_takes_no_lock_and_writes_nothing(tmp_path, monkeypatch):
    make(tmp_path / "a", "first")
    (tmp_path / ".a.lock").unlink(missing_ok=True)
    before = {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]}
    monkeypatch.setattr(cache, "FileLock", refuse)
    notices = []
    assert make(tmp_path / "a", "second", notices) == ("first", False)
    assert notices == []
    assert {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]} == before


def test_a_warm_load_does_not_wait_for_the_lock(tmp_path):
    make(tmp_path / "a", "first")
    notices = []
    with FileLock(tmp_path / ".a.lock"):
        assert make(tmp_path / "a", "second", notices) == ("first", False)
    assert notices == []


def test_the_error_for_a_read_only_folder_names_a_remedy(tmp_path, monkeypatch):
    class Locked:
        def __init__(self, path):
            pass

        def acquire(self, **options):
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(cache, "FileLock", Locked)
    with pytest.raises(PermissionError, match="DEPLOYWORKBOOK_HOME") as caught:
        make(tmp_path / "a")
    assert str(tmp_path) in str(caught.value)


def test_a_result_that_fails_to_load_is_set_aside_and_rebuilt(tmp_path):
    make(tmp_path / "a", "old format")

    def load(folder):
        if read_text(folder) == "old format":
            raise ValueError("of another format")
        return read_text(folder)

    notices = []
    found = build_once(tmp_path / "a", build=write_text("new"), load=load, notice=notices.append)
    assert found == ("new", True)
    assert "of another format" in notices[0]
    assert len(list(tmp_path.glob("a-damaged-*"))) == 1


@pytest.mark.parametrize("name", ["../outside", "/dev/zero", "device"])
def test_a_manifest_reads_only_files_of_its_own_folder(tmp_path, name):
    make(tmp_path / "a", "first")
    (tmp_path / "outside").write_text("secret")
    (tmp_path / "a" / "device").symlink_to("/dev/zero")
    (tmp_path / "a" / MANIFEST).write_text(json.dumps({name: "0" * 64}))
    notices = []
    assert make(tmp_path / "a", "second", notices) == ("second", True)
    assert f"{name} is missing" in notices[0]


def test_two_processes_build_once_and_the_second_waits(tmp_path):
    log, started, go = tmp_path / "log", CONTEXT.Event(), CONTEXT.Event()
    first = CONTEXT.Process(target=build_slowly, args=(tmp_path / "a", log, started, go))
    first.start()
    assert started.wait(60)

    notices, results = [], []
    waits = threading.Event()

    def second():
        def notice(text):
            notices.append(text)
            waits.set()

        results.append(
            build_once(tmp_path / "a", build=write_text("twice"), load=read_text, notice=notice)
        )

    thread = threading.Thread(target=second)
    thread.start()
    assert waits.wait(60)
    go.set()
    thread.join(60)
    first.join(60)

    assert results == [("whole", False)]
    assert "waiting" in notices[0]
    assert log.read_text() == "built\n"


def test_eight_concurrent_threads_build_once(tmp_path):
    barrier, built, results = threading.Barrier(8), [], []

    def build(folder):
        built.append(folder)
        write_text("made")(folder)

    def ask():
        barrier.wait()
        found = build_once(tmp_path / "a", build=build, load=read_text, notice=lambda text: None)
        results.append(found)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert sorted(results) == [("made", False)] * 7 + [("made", True)]


def test_those_who_waited_load_at_the_same_time(tmp_path):
    started, go, inside = threading.Event(), threading.Event(), threading.Barrier(4)
    waits, told, results = threading.Semaphore(0), [], []

    def build(folder):
        started.set()
        go.wait(60)
        write_text("made")(folder)

    def load_together(folder):
        inside.wait(30)  # passed only if all four are loading
        return read_text(folder)

    def wait_and_load():
        found = build_once(
            tmp_path / "a",
            build=pytest.fail,
            load=load_together,
            notice=lambda text: told.append(text) or waits.release(),
        )
        results.append(found)

    first = threading.Thread(
        target=build_once, args=(tmp_path / "a",), kwargs={"build": build, "load": read_text}
    )
    first.start()
    assert started.wait(60)
    others = [threading.Thread(target=wait_and_load) for _ in range(4)]
    for thread in others:
        thread.start()
    for _ in others:
        assert waits.acquire(timeout=60)
    go.set()
    for thread in (first, *others):
        thread.join(60)
    assert results == [("made", False)] * 4
    assert len(told) == 4


def test_a_kill_while_building_leaves_no_partial_result(tmp_path):
    log, started, go = tmp_path / "log", CONTEXT.Event(), CONTEXT.Event()
    process = CONTEXT.Process(target=build_slowly, args=(tmp_path / "a", log, started, go))
    process.start()
    assert started.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert not (tmp_path / "a").exists()
    assert list(tmp_path.glob(".a.*.tmp"))  # what the killed process left

    assert make(tmp_path / "a") == ("made", True)
    assert not list(tmp_path.glob(".a.*.tmp"))


def test_the_manifest_lists_every_file(tmp_path):
    def build(folder):
        (folder / "deep").mkdir()
        (folder / "deep" / "x").write_text("x")
        (folder / "result.txt").write_text("y")

    build_once(tmp_path / "a", build=build, load=read_text)
    assert set(json.loads((tmp_path / "a" / MANIFEST).read_text())) == {"deep/x", "result.txt"}


def test_different_settings_have_different_keys():
    assert key_of({"a": 1}) != key_of({"a": 2})
    assert key_of({"a": 1, "b": [1, 2]}) == key_of({"b": [1, 2], "a": 1})
    with pytest.raises(TypeError):
        key_of({"a": Path()})
