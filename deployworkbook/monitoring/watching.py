"""Watch servers: by a Prometheus where one is installed, else by a small reader of our own."""

from __future__ import annotations

import contextlib
import shutil
import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from deployworkbook.monitoring.exposition import Reader
from deployworkbook.monitoring.panels import MODEL_PANELS, SERVER_PANELS, Panel, legend
from deployworkbook.monitoring.prometheus_process import PROMETHEUS, Prometheus
from deployworkbook.monitoring.rule_files import Group
from deployworkbook.monitoring.tools import INSTALL
from deployworkbook.validation import check_choice, check_number
from deployworkbook.workspace.folder import current_workspace

JOB = "model-server"
KINDS = ("auto", "prometheus", "embedded")
# Values by the panel's title and by legend.
Shown = dict[str, dict[str, float]]


class Watching(contextlib.AbstractContextManager["Watching"]):
    """Something that reads servers' metrics until it is closed.

    Args:
        kind: ``prometheus`` or ``embedded``.
        why: Why this one runs.
    """

    def __init__(self, kind: str, why: str) -> None:
        self.kind = kind
        self.why = why

    @abstractmethod
    def show(self, panels: Sequence[Panel] = (*SERVER_PANELS, *MODEL_PANELS)) -> Shown:
        """Return the panels' present values; a panel without any is empty.

        Args:
            panels: The panels.
        """

    @abstractmethod
    def firing(self) -> list[str]:
        """Return the names of the alerts that fire now, sorted; our own reader has none."""

    @abstractmethod
    def close(self) -> None:
        """Stop reading."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<watching with {self.kind}: {self.why}>"


class ByPrometheus(Watching):
    """A real Prometheus.

    Args:
        prometheus: The process.
        why: Why it runs.
    """

    def __init__(self, prometheus: Prometheus, why: str) -> None:
        super().__init__("prometheus", why)
        self.prometheus = prometheus

    def show(self, panels: Sequence[Panel] = (*SERVER_PANELS, *MODEL_PANELS)) -> Shown:
        """Ask it for the panels' values.

        Args:
            panels: The panels.
        """
        return {
            panel.title: {
                legend(text, tuple(labels.items())): value
                for text, query in panel.queries.items()
                for labels, value in self.prometheus.query(query.promql())
            }
            for panel in panels
        }

    def firing(self) -> list[str]:
        """Ask it which alerts fire."""
        alerts = self.prometheus.alerts()
        return sorted({each["labels"]["alertname"] for each in alerts if each["state"] == "firing"})

    def close(self) -> None:
        """End the process."""
        self.prometheus.stop()


class ByReader(Watching):
    """Our own reader, on a thread: the same panels, without rules and alerts.

    Args:
        addresses: The metrics' addresses.
        why: Why it runs.
        interval_s: How often to read.
    """

    def __init__(self, addresses: Sequence[str], why: str, *, interval_s: float = 1.0) -> None:
        super().__init__("embedded", why)
        self.readers = tuple(Reader(address) for address in addresses)
        self._interval_s = check_number("interval_s", interval_s, 0, open_low=True)
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self.read()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def read(self) -> None:
        """Read all servers now."""
        with self._lock:
            for reader in self.readers:
                reader.read()

    def show(self, panels: Sequence[Panel] = (*SERVER_PANELS, *MODEL_PANELS)) -> Shown:
        """Compute the panels' values from what was read.

        Args:
            panels: The panels.
        """
        with self._lock:
            return show(self.readers, panels)

    def firing(self) -> list[str]:
        """Return nothing: it evaluates no rules."""
        return []

    def close(self) -> None:
        """Stop reading."""
        self._ended.set()
        self._thread.join()
        for reader in self.readers:
            reader.close()

    def _run(self) -> None:
        while not self._ended.wait(self._interval_s):
            self.read()


def show(readers: Sequence[Reader], panels: Sequence[Panel]) -> Shown:
    """Compute panels' values from readings; a reader that has read nothing adds nothing.

    Args:
        readers: The readers.
        panels: The panels.
    """
    shown: Shown = {}
    for panel in panels:
        values = shown.setdefault(panel.title, {})
        for text, query in panel.queries.items():
            for reader in readers:
                if len(reader.history):
                    found = query.evaluate(reader.history)
                    values |= {legend(text, labels): value for labels, value in found.items()}
    return shown


def watch(
    addresses: Sequence[str] | Mapping[str, Sequence[str]],
    *,
    kind: str = "auto",
    groups: Sequence[Group] = (),
    alertmanager: str = "",
    interval: str = "1s",
    folder: Path | None = None,
) -> Watching:
    """Start to read servers' metrics, and wait for the first readings.

    Args:
        addresses: The metrics' addresses, or lists of them by job (default: all one job).
        kind: ``prometheus``, ``embedded``, or ``auto``: the first if it is installed.
        groups: Rules, for Prometheus only.
        alertmanager: Where Prometheus sends alerts, such as ``127.0.0.1:9093``.
        interval: How often to read, such as ``1s``.
        folder: Where Prometheus' files go (default: ``logs/prometheus`` in the workspace).

    Returns:
        What reads; its ``kind`` and ``why`` say which it is.

    Raises:
        FileNotFoundError: Prometheus was asked for and isn't installed.
        ValueError: There is no such kind.
    """
    check_choice("kind", kind, KINDS)
    jobs = dict(addresses) if isinstance(addresses, Mapping) else {JOB: addresses}
    is_there = any(shutil.which(name) for name in PROMETHEUS)
    if kind == "embedded" or (kind == "auto" and not is_there):
        why = "asked for" if kind == "embedded" else f"prometheus is not on PATH. {INSTALL}"
        every = [address for each in jobs.values() for address in each]
        return ByReader(every, why, interval_s=float(interval.rstrip("s")))
    where = folder or current_workspace().logs / "prometheus"
    process = Prometheus(
        {job: list(each) for job, each in jobs.items()},
        folder=where,
        groups=groups,
        alertmanager=alertmanager,
        interval=interval,
    )
    if any(jobs.values()):
        process.wait_for_readings()
    return ByPrometheus(process, "asked for" if kind == "prometheus" else "it is installed")
