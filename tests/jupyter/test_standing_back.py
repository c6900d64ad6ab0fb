"""A kernel that computes for long stands back, and comes forward when its cell has ended."""

import itertools
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deployworkbook.jupyter.standing_back import COMPUTES_S, COMPUTING_NICENESS, StandingBack

PID = 12


class Kernel:
    """A kernel's process as the system shows it, and a clock to move on."""

    def __init__(self, folder):
        self.file = folder / str(PID) / "autogroup"
        self.file.parent.mkdir()
        self.file.write_text("0")
        self.now_s = 0.0
        self.watch = StandingBack(folder, lambda: self.now_s)

    def after(self, seconds, *, is_idle):
        self.now_s += seconds
        self.watch.note(PID, is_idle=is_idle)
        return int(self.file.read_text())


def test_a_long_cell_stands_back_until_it_ends(tmp_path):
    kernel = Kernel(tmp_path)
    assert kernel.after(0, is_idle=False) == 0
    assert kernel.after(COMPUTES_S, is_idle=False) == COMPUTING_NICENESS
    assert kernel.after(60, is_idle=False) == COMPUTING_NICENESS
    assert kernel.after(0.2, is_idle=True) == 0
    assert kernel.after(0.2, is_idle=False) == 0


def test_short_cells_keep_their_priority(tmp_path):
    kernel = Kernel(tmp_path)
    for _ in range(5):
        assert kernel.after(0.9 * COMPUTES_S, is_idle=False) == 0
        assert kernel.after(0.1, is_idle=True) == 0


def test_a_change_that_comes_too_early_is_tried_again(tmp_path, monkeypatch):
    kernel = Kernel(tmp_path)
    kernel.after(0, is_idle=False)
    write = Path.write_text

    def too_early(self, text):
        raise BlockingIOError

    monkeypatch.setattr(Path, "write_text", too_early)
    assert kernel.after(COMPUTES_S, is_idle=False) == 0
    monkeypatch.setattr(Path, "write_text", write)
    assert kernel.after(0.2, is_idle=False) == COMPUTING_NICENESS


def test_a_system_without_sessions_priorities_changes_nothing(tmp_path):
    kernel = Kernel(tmp_path)
    kernel.file.unlink()
    kernel.file.parent.rmdir()
    kernel.now_s = 1.0
    for is_idle in (False, False, True, False):
        kernel.now_s += COMPUTES_S
        kernel.watch.note(PID, is_idle=is_idle)
    kernel.watch.forget(PID)


@pytest.mark.skipif(
    not Path("/proc/self/autogroup").exists(), reason="this system doesn't group by session"
)
def test_the_system_takes_the_change_and_takes_it_back():
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as session:
        watch = StandingBack(clock=itertools.count(0, COMPUTES_S).__next__)
        shown = Path(f"/proc/{session.pid}/autogroup")
        for is_idle, niceness in ((False, COMPUTING_NICENESS), (True, 0)):
            for _ in range(200):  # somebody else's change may just have been made
                watch.note(session.pid, is_idle=is_idle)
                if shown.read_text().strip().endswith(f"nice {niceness}"):
                    break
                time.sleep(0.05)
            else:
                pytest.fail(f"The session's niceness never became {niceness}.")
        session.communicate(b"\n")
