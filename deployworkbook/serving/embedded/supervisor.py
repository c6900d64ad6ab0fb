"""The parent of several workers on the same ports: it starts them, and starts lost ones again.

Each worker is a whole server that listens on the ports with ``SO_REUSEPORT``; Linux gives each new
connection to one of them. Each loads the models for itself: TensorFlow's threads don't survive a
fork, so a loaded model can't be shared that way. The parent doesn't import TensorFlow.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from deployworkbook.serving.embedded.flags import Options
from deployworkbook.serving.embedded.logs import log_to_stderr
from deployworkbook.serving.embedded.peers import WORKER_VARIABLE
from deployworkbook.serving.embedded.ports import bound
from deployworkbook.serving.embedded.signals import set_on_end
from deployworkbook.serving.embedded.switchboard import Line, Switchboard

log = logging.getLogger(__name__)

# How long to wait before a lost worker is started again: longer if it is lost again soon.
FIRST_WAIT_S, LONGEST_WAIT_S, WELL_S = 0.5, 30.0, 60.0
_KILL_AFTER_S = 10.0


def supervise(
    options: Options, arguments: Sequence[str], *, parent_id: int | None = None
) -> NoReturn:
    """Serve with ``options.num_workers`` workers until a signal arrives, then exit with 0.

    Args:
        options: The options of the command line.
        arguments: The command line, which the workers get too.
        parent_id: The process to end with, if ``--stop_with_parent`` is given.

    Raises:
        OSError: A port is taken.
        SystemExit: A worker couldn't start; with its exit code.
    """
    log_to_stderr()
    stopped = threading.Event()
    set_on_end(stopped)
    code = Supervisor(options, arguments, stopped, parent_id=parent_id).run()
    sys.exit(code)


class Supervisor:
    """Workers, and what watches them.

    Args:
        options: The options of the command line.
        arguments: The command line.
        stopped: Ends all when set.
        parent_id: The process to end with.
    """

    def __init__(
        self,
        options: Options,
        arguments: Sequence[str],
        stopped: threading.Event,
        *,
        parent_id: int | None = None,
    ) -> None:
        self._options = options
        self._arguments = list(arguments)
        self._stopped = stopped
        self._parent_id = parent_id
        self._switchboard = Switchboard()
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._code = 0

    def run(self) -> int:
        """Serve until stopped; return the exit code."""
        options = self._options
        # Bound, but not listening: nobody else gets the ports while a worker is being replaced.
        held = [
            bound(options.host, port, shared=True)
            for port in (options.port, options.rest_api_port)
            if port
        ]
        threads = [
            threading.Thread(target=self._keep, args=(number,), name=f"Worker {number}")
            for number in range(1, options.num_workers + 1)
        ]
        for thread in threads:
            thread.start()
        said = False
        while not self._stopped.wait(0.1):
            if not said and self._switchboard.ready_count == options.num_workers:
                log.info("Ready.")
                said = True
            if options.stop_with_parent and os.getppid() != self._parent_id:
                self._stopped.set()
        log.info("Stopping %d workers", options.num_workers)
        with self._lock:
            for process in self._processes.values():
                process.terminate()
        for thread in threads:
            thread.join()
        for each in held:
            each.close()
        log.info("Stopped.")
        return self._code

    def _keep(self, number: int) -> None:
        """Start a worker, and again whenever it has ended."""
        wait_s = FIRST_WAIT_S
        while not self._stopped.is_set():
            started = time.monotonic()
            line, code = self._run_once(number)
            if self._stopped.is_set():
                return
            if not line.was_ready and not self._switchboard.all_were_ready(
                self._options.num_workers
            ):
                log.error("Worker %d could not start (exit code %d)", number, code)
                self._code = code if code > 0 else 1
                self._stopped.set()
                return
            if time.monotonic() - started > WELL_S:
                wait_s = FIRST_WAIT_S
            log.error(
                "Worker %d has ended (exit code %d); the next one starts in %g s",
                number,
                code,
                wait_s,
            )
            self._stopped.wait(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _run_once(self, number: int) -> tuple[Line, int]:
        ours, theirs = socket.socketpair()
        descriptor = theirs.fileno()
        with theirs, self._lock:
            process = subprocess.Popen(
                [sys.executable, "-m", "deployworkbook", "serve", *self._arguments],
                pass_fds=[descriptor],
                env={**os.environ, WORKER_VARIABLE: f"{number}:{descriptor}"},
            )
            self._processes[number] = process
            if self._stopped.is_set():
                process.terminate()
        line = Line(number, Connection(ours.detach()))
        self._switchboard.serve(line)
        return line, self._wait(process)

    def _wait(self, process: subprocess.Popen[Any]) -> int:
        """Wait until a worker has ended; kill it if it doesn't end when all shall."""
        deadline: float | None = None
        while True:
            try:
                return process.wait(0.2)
            except subprocess.TimeoutExpired:
                if self._stopped.is_set() and deadline is None:
                    deadline = time.monotonic() + self._options.drain_seconds + _KILL_AFTER_S
                if deadline is not None and time.monotonic() > deadline:
                    process.kill()
