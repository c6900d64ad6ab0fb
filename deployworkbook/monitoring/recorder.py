"""Count, log and check requests in batches, beside the traffic instead of in its way.

NumPy and a file take as long for one request as for a hundred. So a request only leaves a note, and
a thread takes the notes several times a second.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deployworkbook.monitoring.drift_watch import DriftWatch
from deployworkbook.monitoring.exporter import Exporter
from deployworkbook.monitoring.outcomes import is_servers_fault
from deployworkbook.monitoring.records import RequestLog
from deployworkbook.serving.api.codes import Code
from deployworkbook.workspace.notices import Notice, notify

EVERY_S = 0.25
# Notes hold images until they are looked at: with these, about 3 MB.
MOST_EXAMPLES = 1000


class Note(NamedTuple):
    """What is remembered of a request until it is counted.

    Args:
        request_id: Its ID.
        model: The model's name.
        version: The version that answered, or that was asked.
        at_s: When it ended, in seconds since 1970.
        latency_s: How long it took.
        code: How it ended.
        said: The error's message.
        inputs: The images; ``None`` if nobody looks at them.
        scores: The probabilities of the classes; ``None`` if the answer has none.
    """

    request_id: str
    model: str
    version: int | str
    at_s: float
    latency_s: float
    code: Code
    said: str = ""
    inputs: NDArray[Any] | None = None
    scores: NDArray[Any] | None = None


class Recorder:
    """Takes notes, and works them off on a thread.

    Args:
        exporter: Counts requests, latencies and classes by version.
        log: Gets a record of each request.
        drift: Looks at inputs and outputs.
        every_s: How often notes are worked off.
        notice: Called with a sentence at the first failure of each of the three.
    """

    def __init__(
        self,
        *,
        exporter: Exporter | None,
        log: RequestLog | None,
        drift: DriftWatch | None,
        every_s: float = EVERY_S,
        notice: Notice = notify,
    ) -> None:
        self._notice, self._complaints = notice, set[str]()
        self._exporter, self._log, self._drift = exporter, log, drift
        self._notes: list[Note] = []
        self._examples = 0
        self._adding, self._working = threading.Lock(), threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(every_s,), daemon=True)
        self._thread.start()

    def add(self, note: Note) -> None:
        """Take a note; work all off at once if they hold many images.

        Args:
            note: The note.
        """
        with self._adding:
            self._notes.append(note)
            self._examples += 1 if note.scores is None else len(note.scores)
            is_full = self._examples >= MOST_EXAMPLES
        if is_full:
            self.flush()

    def flush(self) -> None:
        """Work off all notes now."""
        with self._working:
            with self._adding:
                notes, self._notes, self._examples = self._notes, [], 0
            if not notes:
                return
            if self._exporter is not None:
                with self._forgiven("counted"):
                    self._count(self._exporter, notes)
            if self._log is not None:
                with self._forgiven("logged"), self._log.together():
                    for note in notes:
                        self._write(self._log, note)
            if self._drift is not None:
                with self._forgiven("checked for drift"):
                    self._look(self._drift, notes)

    def close(self) -> None:
        """Work off all notes, and end the thread."""
        self._ended.set()
        self._thread.join()
        self.flush()

    @contextlib.contextmanager
    def _forgiven(self, what: str) -> Iterator[None]:
        """Warn once if requests can't be recorded: a full disk must not end predictions."""
        try:
            yield
        except (OSError, ValueError) as error:
            if what not in self._complaints:
                self._complaints.add(what)
                self._notice(f"Some requests were not {what}: {error}")

    def _run(self, every_s: float) -> None:
        while not self._ended.wait(every_s):
            self.flush()

    @staticmethod
    def _count(exporter: Exporter, notes: Sequence[Note]) -> None:
        groups: dict[tuple[int | str, Code, int], list[Note]] = {}
        for note in notes:
            classes = 0 if note.scores is None else note.scores.shape[-1]
            groups.setdefault((note.version, note.code, classes), []).append(note)
        for (version, code, _), group in groups.items():
            scores = np.concatenate(
                [note.scores for note in group if note.scores is not None] or [np.empty((0, 1))]
            )
            exporter.count(
                version,
                code.name,
                requests=len(group),
                latencies_s=[note.latency_s for note in group] if code is Code.OK else (),
                classes=scores.argmax(axis=-1),
                confidences=scores.max(axis=-1),
            )

    @staticmethod
    def _write(log: RequestLog, note: Note) -> None:
        about = {
            "at_s": note.at_s,
            "request_id": note.request_id,
            "model": note.model,
            "version": note.version,
            "latency_ms": round(1000 * note.latency_s, 3),
        }
        if note.code is Code.OK:
            log.answered(**about, examples=0 if note.scores is None else len(note.scores))
        else:
            log.failed(note.code.name, note.said, is_ours=is_servers_fault(note.code), **about)

    @staticmethod
    def _look(drift: DriftWatch, notes: Sequence[Note]) -> None:
        """Show images and answers to the detectors, those of one shape together."""
        groups: dict[tuple[Any, ...], list[Note]] = {}
        for note in notes:
            if note.inputs is not None and note.scores is not None:
                key = note.inputs.shape[1:], note.scores.shape[1:]
                groups.setdefault(key, []).append(note)
        for group in groups.values():
            drift.observe(
                np.concatenate([note.inputs for note in group if note.inputs is not None]),
                np.concatenate([note.scores for note in group if note.scores is not None]),
            )
