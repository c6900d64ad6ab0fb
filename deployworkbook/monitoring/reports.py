"""Thousands of failed requests as a few faults: an error report grouped by fingerprint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from deployworkbook.monitoring.records import ANSWERED, FAILED

# Requests of each fault that the report names.
EXAMPLES = 3


@dataclass
class Fault:
    """One kind of error.

    Args:
        fingerprint: What its occurrences have in common.
        code: Its code, such as ``INTERNAL``.
        said: Its message, without numbers.
        level: ``error`` if the server failed, ``warning`` for a client's mistake.
        count: How often it occurred.
        first: When it first occurred, as ISO 8601 in UTC.
        last: When it last occurred.
        versions: Occurrences by model and version, such as ``digits 2``.
        request_ids: Some of the requests.
    """

    fingerprint: str
    code: str
    said: str
    level: str
    count: int = 0
    first: str = ""
    last: str = ""
    versions: Counter[str] = field(default_factory=Counter)
    request_ids: list[str] = field(default_factory=list)

    def add(self, record: dict[str, Any]) -> None:
        """Count an occurrence."""
        at = str(record.get("timestamp", ""))
        self.count += 1
        self.first = min(self.first, at) if self.first else at
        self.last = max(self.last, at)
        self.versions[f"{record.get('model', '?')} {record.get('version', '?')}"] += 1
        if len(self.request_ids) < EXAMPLES and "request_id" in record:
            self.request_ids.append(str(record["request_id"]))


@dataclass(frozen=True)
class ErrorReport:
    """The faults of a log, the most frequent first; the server's own before clients' mistakes.

    Args:
        faults: The faults.
        answered: How many requests were answered.
        unreadable: How many lines were no records.
    """

    faults: tuple[Fault, ...]
    answered: int
    unreadable: int = 0

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return sum(fault.count for fault in self.faults)

    def __str__(self) -> str:
        lines = [
            f"{self.answered + self.failed:,} requests, {self.failed:,} failed, "
            f"{len(self.faults)} kinds of error"
        ]
        for fault in self.faults:
            versions = ", ".join(f"{name}: {n:,}" for name, n in fault.versions.most_common())
            lines += [
                f"{fault.count:>7,} × {fault.code} [{fault.fingerprint}] {fault.said}",
                f"          {fault.first} to {fault.last}; {versions}",
                f"          such as {', '.join(fault.request_ids) or 'no request with an id'}",
            ]
        if self.unreadable:
            lines.append(f"{self.unreadable:,} lines could not be read.")
        return "\n".join(lines)


def error_report(paths: Iterable[Path] | Path) -> ErrorReport:
    """Group the failed requests of logs by fingerprint.

    Args:
        paths: The files that ``RequestLog`` wrote, or one.

    Raises:
        FileNotFoundError: There is no such file.

    >>> from tempfile import TemporaryDirectory
    >>> from deployworkbook.monitoring.records import RequestLog
    >>> with TemporaryDirectory() as folder, RequestLog(Path(folder) / "log") as log:
    ...     for took in range(3):
    ...         log.failed("INTERNAL", f"gave up after {took} s", model="digits", version=2)
    ...     (fault,) = error_report(log.path).faults
    >>> fault.count, fault.said
    (3, 'gave up after # s')
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    faults: dict[str, Fault] = {}
    answered = unreadable = 0
    for record in _records(files):
        event = record.get("event") if isinstance(record, dict) else None
        if event == ANSWERED:
            answered += 1
        elif event == FAILED and isinstance(key := record.get("fingerprint"), str):
            code, said, level = (str(record.get(name, "")) for name in ("code", "said", "level"))
            faults.setdefault(key, Fault(key, code, said, level)).add(record)
        else:
            unreadable += 1
    ordered = sorted(faults.values(), key=lambda fault: (fault.level != "error", -fault.count))
    return ErrorReport(tuple(ordered), answered, unreadable)


def _records(paths: Iterable[Path]) -> Iterator[Any]:
    for path in paths:
        with path.open("rb") as file:
            for line in file:
                try:
                    yield orjson.loads(line)
                except orjson.JSONDecodeError:
                    # The last line of a killed process, for example.
                    yield None
