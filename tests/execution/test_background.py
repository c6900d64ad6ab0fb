"""Errors in threads and tasks; in a real kernel they are in test_runner."""

import asyncio
import gc
import threading

import pytest

from deployworkbook.execution import background
from deployworkbook.execution.background import MOST_ERRORS, Recorder, read_errors


@pytest.fixture
def path(tmp_path):
    return tmp_path / "errors.jsonl"


def fail():
    raise ValueError("no\nmore")


def test_a_threads_error_is_recorded_and_still_printed(path, monkeypatch):
    printed = []
    monkeypatch.setattr(threading, "excepthook", printed.append)
    Recorder(path).watch_threads()
    for target in (fail, lambda: (_ for _ in ()).throw(SystemExit)):
        thread = threading.Thread(target=target, name="worker")
        thread.start()
        thread.join()
    (error,) = read_errors(path)
    assert (error.where, error.error) == ("thread worker", "ValueError: no")
    assert "in fail" in error.traceback
    assert len(printed) == 2


def test_the_error_of_a_referenced_task_is_recorded_once(path):
    async def run():
        async def failing():
            fail()

        kept, asked = (asyncio.create_task(failing(), name=name) for name in ("kept", "asked"))
        await asyncio.wait([kept, asked])
        asked.exception()
        Recorder(path).add_unretrieved()
        Recorder(path).add_unretrieved()
        return kept

    asyncio.run(run())
    assert [error.where for error in read_errors(path)] == ["task kept"]


def test_a_kernel_that_ends_looks_for_errors_and_then_for_nothing_more(path, monkeypatch):
    at_exit = []
    monkeypatch.setattr("atexit.register", at_exit.append)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(background, "LOGGERS", ())
    monkeypatch.setenv(background.VARIABLE, str(path))
    background.load_ipython_extension(None)
    last, before = at_exit  # the first that is registered is called last
    assert last is gc.freeze
    assert before.__func__ is Recorder.add_unretrieved


def test_repeated_errors_are_limited(path):
    recorder = Recorder(path)
    for _ in range(MOST_ERRORS + 5):
        recorder.add("thread t", ValueError, ValueError("no"), None)
    assert len(read_errors(path)) == MOST_ERRORS


def test_a_missing_file_and_a_partial_line_are_empty(path):
    assert read_errors(path) == []
    path.write_text('{"where": "th')
    assert read_errors(path) == []
