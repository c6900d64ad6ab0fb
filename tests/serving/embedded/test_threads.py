"""Calls run on as many threads as allowed, the others wait their turn."""

import asyncio
import threading

import pytest

from deployworkbook.serving.embedded.threads import Threads


@pytest.fixture
def threads():
    made = []

    def make(most):
        made.append(Threads(most, "test"))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_no_more_calls_run_at_once_than_allowed_and_all_run_in_their_order(threads):
    pool, go, ran, done = threads(2), threading.Event(), [], threading.Semaphore(0)

    def call(number):
        go.wait()
        ran.append(number)

    for number in range(6):
        pool.submit(call, number).add_done_callback(lambda _: done.release())
    running = [each for each in threading.enumerate() if each.name.startswith("test_")]
    assert len(running) == 2
    go.set()
    for _ in range(6):
        assert done.acquire(timeout=30)
    assert sorted(ran) == list(range(6))


def test_a_thread_is_used_again_and_a_failed_call_ends_none(threads, caplog):
    pool, names, done = threads(8), [], threading.Semaphore(0)

    def call(fails):
        names.append(threading.current_thread().name)
        if fails:
            raise ValueError("a defect")

    for fails in (False, True, False):
        pool.submit(call, fails).add_done_callback(lambda _: done.release())
        assert done.acquire(timeout=30)
        threading.Event().wait(0.05)  # until it is idle
    assert set(names) == {"test_1"}
    assert "a defect" in caplog.text


def test_a_callback_added_after_the_end_is_called_too(threads):
    called, ended = threading.Event(), threading.Event()
    call = threads(1).submit(ended.set)
    ended.wait(30)
    call.add_done_callback(lambda _: called.set())
    assert called.wait(30)


def test_a_coroutine_gets_the_result_or_the_error(threads):
    pool = threads(1)

    async def ask():
        assert await pool.result(lambda: 3) == 3
        with pytest.raises(ZeroDivisionError):
            await pool.result(lambda: 1 / 0)

    asyncio.run(ask())


def test_a_call_that_nobody_waits_for_any_more_is_dropped(threads):
    pool, go, ran = threads(1), threading.Event(), []

    async def ask():
        first = asyncio.create_task(pool.result(go.wait))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(pool.result(lambda: ran.append("second")))
        await asyncio.sleep(0.01)
        second.cancel()
        go.set()
        await first
        await pool.result(lambda: ran.append("third"))

    asyncio.run(ask())
    assert ran == ["third"]
