"""Apply a patch in children that kill themselves, each at another line: for ``test_interruptions``.

Prints a line per child: 1 if it was killed, whether the file is the old or the new one, and whether
a second call then makes the new one, with how many bytes of the first call's.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from deployworkbook.updates.applying import apply_patch

PLACES = ("updates/applying.py", "workspace/files.py")


def traced(act):
    """Call ``act`` before each line of the code that applies patches."""

    def trace(frame, event, _):
        if not frame.f_code.co_filename.endswith(PLACES):
            return None
        if event == "line":
            act()
        return trace

    sys.settrace(trace)


def in_child(run):
    child = os.fork()
    if child == 0:
        run()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def main(old, new, patch, moments):
    """Kill a child at each of so many moments, evenly over all the lines that it runs."""
    os.fsync = lambda _: None  # what a disk does matters to a power cut, not to a kill
    work = old.with_name("work")
    lines = []
    shutil.copy(old, work)
    traced(lambda: lines.append(1))
    apply_patch(work, patch)
    sys.settrace(None)
    states = {old.read_bytes(): "old", new.read_bytes(): "new"}
    for moment in range(moments):
        for left in work.parent.glob(".work.*"):
            left.unlink()
        shutil.copy(old, work)
        rest = [1 + moment * (len(lines) - 1) // (moments - 1)]

        def count(rest=rest):
            rest[0] -= 1
            if rest[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def run(count=count):
            traced(count)
            apply_patch(work, patch)

        killed = in_child(run)
        state = states.get(work.read_bytes(), "neither")
        resumed = apply_patch(work, patch).resumed_bytes
        print(int(killed), state, states.get(work.read_bytes(), "neither"), resumed)


main(*map(Path, sys.argv[1:4]), int(sys.argv[4]))
