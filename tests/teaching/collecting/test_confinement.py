"""What a learner's function can't reach."""

import os
import platform
import sys

import pytest

from deployworkbook.teaching.collecting import calling, confinement
from deployworkbook.teaching.collecting.calling import Caller, Function, isolation_here

pytestmark = pytest.mark.skipif(isolation_here() == "none", reason="this system has no fork")

CASES = ((2.0,), (3.0,))

# 1 for each act that succeeded. Python's own calls, not the C library's.
ACTS = """
import os, socket, sys
def f(_):
    def tried(act):
        try:
            act()
        except (OSError, ImportError, ValueError):
            return 0
        return 1
    return [
        tried(lambda: open(os.devnull)),
        tried(lambda: open('/tmp/x', 'w')),
        tried(lambda: os.listdir('.')),
        tried(lambda: os.stat('.')),
        tried(lambda: os.kill(os.getppid(), 0)),
        tried(lambda: os.pipe()),
        tried(lambda: os.chdir('/')),
        tried(lambda: __import__('wave')),
        tried(lambda: os.unlink('/tmp/x')),
    ]
"""


@pytest.fixture(scope="module")
def caller():
    with Caller(seconds=2.0) as each:
        yield each


def test_numbers_come_back(caller):
    ending, numbers = caller.call(Function("f = lambda x: [x, x ** 2]", "f", CASES))
    assert ending == "numbers"
    assert [each.tolist() for each in numbers] == [[2, 4], [3, 9]]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has seccomp")
def test_linux_confines_by_seccomp():
    assert isolation_here() == "confined" or platform.machine() not in {"x86_64", "aarch64"}


def test_nothing_outside_can_be_reached(caller):
    code = ACTS.replace("import os, socket, sys", "import os")
    ending, numbers = caller.call(Function(code, "f", CASES[:1]))
    assert (ending, numbers[0].tolist()) == ("numbers", [0] * 9)


def test_python_alone_guards_where_the_system_cannot_confine():
    with Caller(seconds=5.0, isolation="guarded") as guarded:
        code = ACTS.replace("import os, socket, sys", "import os")
        ending, numbers = guarded.call(Function(code, "f", CASES[:1]))
        # Asking for a file's size, and making a pipe, raise no event.
        assert ending == "numbers"
        assert [place for place, done in enumerate(numbers[0]) if done] in ([3, 5], [3, 5, 6])
        assert guarded.call(Function("from math import sqrt as f", "f", CASES))[0] == "numbers"
        assert (
            guarded.call(Function("import subprocess\nf = subprocess.call", "f", CASES))[0]
            == "not allowed"
        )


def test_a_function_sees_neither_environment_nor_folder(caller, monkeypatch):
    monkeypatch.setenv("DEPLOYWORKBOOK_SECRET", "1")
    code = "import os\ndef f(_): return len([n for n in os.environ if n.startswith('DEPLOY')])"
    assert caller.call(Function(code, "f", CASES))[1][0] == 0
    code = "import os\ndef f(_): return len({'HOME', 'USER', 'PATH', 'LOGNAME'} & {*os.environ})"
    assert caller.call(Function(code, "f", CASES))[1][0] == 0


def test_functions_called_together_return_their_own_numbers(caller):
    codes = ["f = lambda x: x", "f = 1", "def f(x): return x + 1"]
    outcomes = caller.call_together([Function(each, "f", CASES) for each in codes])
    assert [ending for ending, _ in outcomes] == ["numbers", "failed", "numbers"]
    assert [each.item() for each in outcomes[2][1]] == [3, 4]
    codes[1] = "import os\nos._exit(0)"
    outcomes = caller.call_together([Function(each, "f", CASES) for each in codes])
    assert [ending for ending, _ in outcomes] == ["numbers", "garbage", "garbage"]
    codes[1] = "while True: pass"
    outcomes = caller.call_together([Function(each, "f", CASES) for each in codes])
    assert [ending for ending, _ in outcomes] == ["numbers", "too late", "too late"]


def test_no_call_sees_what_another_left(caller):
    leave = "import numpy\nnumpy.left = 1\ndef f(x): return x"
    look = "import numpy\ndef f(x): return int(hasattr(numpy, 'left'))"
    assert caller.call(Function(leave, "f", CASES))[0] == "numbers"
    assert caller.call(Function(look, "f", CASES))[1][0] == 0


def test_the_process_is_restarted_after_a_death(caller):
    flood = "import os\ndef f(_):\n for _ in range(100): os.write(FD, b'x' * 60000)"
    for handle in range(3, 12):
        ending, _ = caller.call(Function(flood.replace("FD", str(handle)), "f", CASES))
        assert ending in {"failed", "not allowed", "no value", "killed"}
        assert caller.call(Function("def f(x): return x", "f", CASES))[0] == "numbers"


@pytest.mark.skipif(isolation_here() != "confined", reason="there is no seccomp")
def test_a_system_that_does_not_keep_its_word_is_noticed(monkeypatch):
    monkeypatch.setattr(calling, "_PROBE", "def probe(_): return [0, 1]")
    with Caller() as caller, pytest.raises(OSError, match="doesn't confine"):
        caller.call(Function("def f(x): return x", "f", CASES))
    monkeypatch.setattr(calling, "_PROBE", "while True: pass")
    with Caller(seconds=0.2) as caller, pytest.raises(OSError, match="doesn't confine"):
        caller.call(Function("def f(x): return x", "f", CASES))


@pytest.mark.skipif(isolation_here() != "confined", reason="there is no seccomp")
def test_the_filter_kills_calls_of_another_architecture():
    """A 32-bit call has other numbers, so its number means something else."""
    lines = confinement._filter(0xC000003E, [0, 1])
    assert len(lines) == 8 * (4 + 2 + 2)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or isolation_here() != "confined",
    reason="only root can become another user",
)
def test_an_ordinary_user_is_confined_as_well(tmp_path):
    """Setting a filter needs no rights, unlike namespaces."""
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        confinement.confine()
        try:
            os.pipe()
        except PermissionError:
            os._exit(42)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
