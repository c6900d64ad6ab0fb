"""Passes the workers' questions on to all of them, and their answers back."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from multiprocessing.connection import Connection
from typing import Any


class Line:
    """The connection to one worker.

    Args:
        number: The worker's number.
        pipe: The connection.
    """

    def __init__(self, number: int, pipe: Connection) -> None:
        self.number = number
        self.was_ready = False
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        """Send a message; nothing happens if the worker has ended."""
        body = json.dumps(message).encode()
        with self._lock, contextlib.suppress(OSError):
            self._pipe.send_bytes(body)

    def receive(self) -> Any:
        """Wait for a message; ``None`` when the worker has ended."""
        try:
            return json.loads(self._pipe.recv_bytes())
        except (EOFError, OSError):
            return None

    def close(self) -> None:
        """Close the connection."""
        self._pipe.close()


class _Question:
    """A question that was passed on, and the answers so far."""

    def __init__(self, asked: set[int]) -> None:
        self.waits_for = asked
        self.answers: list[Any] = []
        self.changed = threading.Condition()

    def answer(self, number: int, content: Any) -> None:
        """Note a worker's answer."""
        with self.changed:
            if number in self.waits_for:
                self.waits_for.discard(number)
                self.answers.append(content)
                self.changed.notify_all()

    def forget(self, number: int) -> None:
        """Wait no longer for a worker, since it has ended."""
        with self.changed:
            self.waits_for.discard(number)
            self.changed.notify_all()

    def wait(self, within_s: float) -> list[Any]:
        """Return the answers when all have come, or those that came in time."""
        deadline = time.monotonic() + within_s
        with self.changed:
            self.changed.wait_for(lambda: not self.waits_for, max(0, deadline - time.monotonic()))
            return list(self.answers)


class Switchboard:
    """The workers that serve, and the questions among them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready: dict[int, Line] = {}
        self._were_ready: set[int] = set()
        self._questions: dict[int, _Question] = {}
        self._numbers = itertools.count()
        # One change at a time, so that all workers make them in the same order.
        self._changing = threading.Lock()
        self._last_change: Any = None
        self._changes = 0

    @property
    def ready_count(self) -> int:
        """How many workers serve."""
        return len(self._ready)

    def all_were_ready(self, count: int) -> bool:
        """Return whether so many workers have served at some time."""
        return len(self._were_ready) >= count

    def serve(self, line: Line) -> None:
        """Pass a worker's messages on until it has ended."""
        known = 0
        while (message := line.receive()) is not None:
            if "ready" in message:
                self._admit(line, known)
            elif "answer" in message:
                question = self._questions.get(message["answer"])
                if question is not None:
                    question.answer(line.number, message["content"])
            elif message["what"] == "last_change":
                with self._lock:
                    known, last = self._changes, self._last_change
                line.send({"ask": message["ask"], "answers": [last]})
            else:
                threading.Thread(target=self._pass_on, args=(line, message), daemon=True).start()
        with self._lock:
            if self._ready.get(line.number) is line:
                del self._ready[line.number]
            questions = list(self._questions.values())
        for question in questions:
            question.forget(line.number)
        line.close()

    def _admit(self, line: Line, known: int) -> None:
        """Let a worker answer questions; tell it of a change made while it started."""
        with self._lock:
            line.was_ready = True
            self._ready[line.number] = line
            self._were_ready.add(line.number)
            missed = self._changes != known
            last = self._last_change
        if missed:
            line.send({"question": -1, "what": "change", "content": last})

    def _pass_on(self, line: Line, message: Any) -> None:
        changes = message["what"] == "change"
        with self._changing if changes else contextlib.nullcontext():
            with self._lock:
                lines = list(self._ready.values())
                number = next(self._numbers)
                question = self._questions[number] = _Question({each.number for each in lines})
                if changes:
                    self._last_change = message["content"]
                    self._changes += 1
            for each in lines:
                each.send({"question": number, **_asked(message)})
            answers = question.wait(message["within_s"])
            del self._questions[number]
        line.send({"ask": message["ask"], "answers": answers})


def _asked(message: Any) -> dict[str, Any]:
    return {"what": message["what"], "content": message["content"]}
