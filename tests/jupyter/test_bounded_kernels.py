"""A kernel that needs too much memory is stopped, and its learner told why."""

import datetime
import os
import subprocess
import sys
import types

import pytest

from deployworkbook.jupyter.bounded_kernels import BoundedKernels, KernelUse, choose
from deployworkbook.jupyter.explained import ExplainedConnection
from deployworkbook.jupyter.memory_use import family, private_bytes, proportional_bytes

HOLD = "held = bytearray({megabytes} * 2**20); print(flush=True); input()"


@pytest.fixture
def process():
    """Start processes that hold memory."""
    started = []

    def start(megabytes):
        held = subprocess.Popen(
            [sys.executable, "-c", HOLD.format(megabytes=megabytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        held.stdout.readline()
        started.append(held)
        return held

    yield start
    for held in started:
        held.kill()
        held.communicate()


@pytest.fixture
def waiting():
    ExplainedConnection.waiting.clear()
    yield ExplainedConnection.waiting
    ExplainedConnection.waiting.clear()


def kernels_of(processes, limit_bytes, states=None):
    """A manager whose kernels are these processes."""
    manager = BoundedKernels(limit_bytes=limit_bytes)
    now = datetime.datetime.now(datetime.UTC)
    for number, process in enumerate(processes):
        state = (states or {}).get(number, "busy")
        manager._kernels[str(number)] = types.SimpleNamespace(
            provisioner=types.SimpleNamespace(process=process),
            execution_state=state,
            last_activity=now,
        )
    return manager


def test_memory_of_a_process_and_its_children(process):
    held = process(100)
    for count in (private_bytes, proportional_bytes):
        assert 100e6 < count(held.pid) < 250e6
    assert family(held.pid) == [held.pid]
    assert held.pid in family(os.getpid())


def test_a_process_that_has_ended_uses_nothing(process):
    held = process(1)
    held.kill()
    held.wait()
    assert private_bytes(held.pid) == proportional_bytes(held.pid) == 0
    assert family(held.pid) == []


def test_the_kernel_that_needs_too_much_is_stopped_and_says_why(process, waiting):
    small, large = process(10), process(300)
    room = private_bytes(os.getpid()) + 200 * 2**20
    kernels_of([small, large], room).check_memory()
    assert large.wait(timeout=30) < 0
    assert small.poll() is None
    (reason,) = waiting["1"]
    assert "needed too much memory" in reason
    assert f"of the {room / 2**30:.2f} GiB" in reason


def test_an_idle_kernel_makes_room_for_the_one_that_works(process, waiting):
    forgotten, working = process(150), process(300)
    room = private_bytes(os.getpid()) + 420 * 2**20
    kernels_of([forgotten, working], room, {0: "idle"}).check_memory()
    assert forgotten.wait(timeout=30) < 0
    assert working.poll() is None
    assert "to make room" in waiting["0"][0]


def test_kernels_within_the_limit_go_on(process, waiting):
    held = process(10)
    kernels_of([held], 64 * 2**30).check_memory()
    assert held.poll() is None
    assert not waiting


def test_a_kernel_that_the_system_killed_is_explained_once(process, waiting):
    held = process(1)
    manager = kernels_of([held], 64 * 2**30)
    held.kill()
    held.wait()
    manager.check_memory()
    manager.check_memory()
    (reason,) = waiting["0"]
    assert "The system killed this kernel" in reason


def test_a_kernel_that_ended_by_itself_needs_no_explanation(process, waiting):
    held = process(1)
    held.communicate(b"\n")
    kernels_of([held], 64 * 2**30).check_memory()
    assert not waiting


@pytest.mark.skipif(sys.platform != "linux", reason="limits of other processes are Linux's")
def test_a_kernel_stands_back_and_can_not_reserve_without_end(process, waiting):
    import resource

    held = process(1)
    kernels_of([held], 2**30).check_memory()
    assert resource.prlimit(held.pid, resource.RLIMIT_DATA)[0] == int(2.5 * 2**30)
    assert os.getpriority(os.PRIO_PROCESS, held.pid) >= 5
    with open(f"/proc/{held.pid}/oom_score_adj") as file:
        assert file.read().strip() == "800"


def test_the_limit_is_the_hubs(monkeypatch):
    monkeypatch.setenv("MEM_LIMIT", "12345")
    assert BoundedKernels().limit_bytes == 12345
    monkeypatch.delenv("MEM_LIMIT")
    assert BoundedKernels().limit_bytes == 0


def test_the_longest_idle_kernel_that_frees_enough_is_chosen():
    kernels = [
        KernelUse("new", 300, is_idle=True, idle_s=5),
        KernelUse("old", 300, is_idle=True, idle_s=500),
        KernelUse("tiny", 10, is_idle=True, idle_s=900),
        KernelUse("busy", 900, is_idle=False, idle_s=0),
    ]
    assert choose(kernels, 100).kernel_id == "old"
    assert choose(kernels, 400).kernel_id == "busy"
    assert choose(kernels[2:3], 400).kernel_id == "tiny"
