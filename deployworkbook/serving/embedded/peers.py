"""A worker's connection to its parent, through which it asks the other workers.

Each message is JSON in one piece. A worker asks all workers something, itself included, and gets
an answer from each; the parent passes questions on, one change after the other.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

log = logging.getLogger(__name__)

# For a worker, its parent sets this to "number:file descriptor".
WORKER_VARIABLE = "DEPLOYWORKBOOK_WORKER"

Handlers = Mapping[str, Callable[[Any], Any]]


@dataclass(frozen=True)
class Place:
    """A worker's place among the others.

    Args:
        number: Its number, from 1 on.
        descriptor: The file descriptor of its connection to the parent.
    """

    number: int
    descriptor: int


def own_place() -> Place | None:
    """Return this process's place, if it is a worker; forget it for processes started later."""
    given = os.environ.pop(WORKER_VARIABLE, "")
    if not given:
        return None
    number, _, descriptor = given.partition(":")
    return Place(int(number), int(descriptor))


class Peers:
    """The workers that share a port, as one of them sees them.

    Args:
        place: This worker's place.
        stopped: Set when the parent has ended.
    """

    def __init__(self, place: Place, stopped: threading.Event) -> None:
        self.number = place.number
        self._pipe = Connection(place.descriptor)
        self._stopped = stopped
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._waiting: dict[int, queue.SimpleQueue[list[Any]]] = {}
        self._handlers: Handlers = {}

    def start(self) -> Any:
        """Return the content of the last change that workers were asked to make, or ``None``."""
        threading.Thread(target=self._receive, name="Parent", daemon=True).start()
        (content,) = self.ask("last_change", None, within_s=60) or [None]
        return content

    def ready(self, handlers: Handlers) -> None:
        """Say that this worker serves.

        Args:
            handlers: Answer the workers' questions, by their names.
        """
        self._handlers = handlers
        self._send({"ready": True})

    def ask(self, what: str, content: Any, *, within_s: float = 5) -> list[Any]:
        """Ask all workers that serve; return the answers that came in time.

        Args:
            what: The name of the question. ``change``: the parent asks one after the other, and
                workers that start later are told the last of them.
            content: What JSON can hold.
            within_s: How long to wait.
        """
        number = next(self._numbers)
        answers = self._waiting[number] = queue.SimpleQueue()
        try:
            self._send({"ask": number, "what": what, "content": content, "within_s": within_s})
            return answers.get(timeout=within_s + 1)
        except (OSError, queue.Empty):
            return []
        finally:
            del self._waiting[number]

    def _receive(self) -> None:
        while True:
            try:
                message = json.loads(self._pipe.recv_bytes())
            except (EOFError, OSError):
                self._stopped.set()
                return
            if "answers" in message:
                answers = self._waiting.get(message["ask"])
                if answers is not None:
                    answers.put(message["answers"])
            else:
                # On a thread of its own: loading a model takes long.
                threading.Thread(target=self._answer, args=(message,), daemon=True).start()

    def _answer(self, message: Any) -> None:
        content = None
        try:
            content = self._handlers[message["what"]](message["content"])
        except Exception:
            log.exception("A question of another worker failed")
        with contextlib.suppress(OSError):
            self._send({"answer": message["question"], "content": content})

    def _send(self, message: Any) -> None:
        body = json.dumps(message).encode()
        with self._lock:
            self._pipe.send_bytes(body)
