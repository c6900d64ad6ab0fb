"""Stop a server whose parent has died, however it died.

This runs beside a server as a program of its own: ``guard.py PID [COMMAND …]``. Its standard input
is a pipe that only the parent holds, so the pipe closes when the parent ends, even by ``kill -9``.
A byte before that means that the server has ended already. It imports the standard library only, to
start within milliseconds.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time

GRACE_S = 10.0


def main(process_id: int, command: list[str]) -> None:
    """Wait until the parent ends; then stop the process and run the command that cleans up."""
    # Ctrl-C and SIGTERM are meant for the parent; the guard acts once it has ended.
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
