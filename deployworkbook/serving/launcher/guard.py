"""The end of a server whose parent has died, however it died.

Run as a program of its own beside a server: ``guard.py PID [COMMAND …]``. Its standard input is
a pipe that only the parent holds, so the pipe's end is the parent's end, even by ``kill -9``.
A byte before that says that there is nothing left to end. It imports the standard library
alone, to start in milliseconds.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time

GRACE_S = 10.0


def main(process_id: int, command: list[str]) -> None:
    """Wait for the parent's end; then end the process, and run the command that cleans up."""
    # Ctrl-C and SIGTERM are for the parent; what follows from its end is done here.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if sys.stdin.buffer.read(1):
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline:
            time.sleep(0.05)
            os.kill(process_id, 0)
        os.kill(process_id, getattr(signal, "SIGKILL", signal.SIGTERM))
    if command:
        subprocess.run(command, check=False, capture_output=True, timeout=GRACE_S)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
