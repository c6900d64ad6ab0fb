"""One JSON line per request: who answered, how long it took, what went wrong. Never an image.

A log outlives the request, is copied and searched, and its readers weren't asked whether they may
see the data. So arrays and bytes are described, not written, and messages lose their numbers.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

import numpy as np
import orjson
import structlog

from deployworkbook.monitoring.fingerprints import fingerprint, general_text
from deployworkbook.validation import describe

ANSWERED, FAILED = "request answered", "request failed"
# More numbers than this in one field are data.
_MOST_NUMBERS = 4
_PLAIN = (str, int, float, type(None))


class RequestLog:
    """Append records of requests to a file; threads may share it.

    Args:
        path: The file; its folder is made if it is missing.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder, RequestLog(Path(folder) / "log.jsonl") as log:
    ...     log.answered(request_id="a1", model="digits", version=2, latency_ms=1.25, images=1)
    ...     log.written_bytes > 100
    True
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Without a buffer, a write is whole lines: those of several processes don't mix.
        self._file = self.path.open("ab", buffering=0)
        self._start = self._file.tell()
        self._processors: list[structlog.typing.Processor] = [
            structlog.processors.add_log_level,
            without_data,
            _stamped,
            structlog.processors.JSONRenderer(serializer=orjson.dumps, option=orjson.OPT_UTC_Z),
        ]
        self._logger = structlog.wrap_logger(
            structlog.BytesLogger(cast(BinaryIO, _Lines(self))),
            processors=self._processors,
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        ).bind()
        self._held: list[bytes] | None = None

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Write the records of a block by one write at its end; for one thread at a time."""
        self._held = []
        try:
            yield
        finally:
            lines, self._held = b"".join(self._held), None
            self._file.write(lines)

    def append(self, line: bytes) -> None:
        """Write a line, or hold it until the end of ``together``.

        Args:
            line: The line, with its end.
        """
        if self._held is None:
            self._file.write(line)
        else:
            self._held.append(line)

    @property
    def written_bytes(self) -> int:
        """How much was written since it was opened."""
        return self._file.tell() - self._start

    def answered(self, **fields: Any) -> None:
        """Record an answered request.

        Args:
            fields: Such as ``request_id``, ``model``, ``version`` and ``latency_ms``.
        """
        # As ``self._logger.info`` would, in half the time: this is done for each request.
        record: Any = {"code": "OK", **fields, "event": ANSWERED}
        for process in self._processors:
            record = process(self._logger, "info", record)
        self.append(record + b"\n")

    def failed(self, code: str, said: str, *, is_ours: bool = True, **fields: Any) -> None:
        """Record a failed request, with the error's fingerprint and its message without numbers.

        Args:
            code: The error's code, such as ``INTERNAL``.
            said: What the server said.
            is_ours: Whether the server failed; a client's mistake is a warning.
            fields: As for ``answered``.
        """
        write = self._logger.error if is_ours else self._logger.warning
        found = {"fingerprint": fingerprint(code, said), "said": general_text(said)}
        write(FAILED, code=code, **found, **fields)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Lines:
    """What structlog takes for a file of bytes."""

    def __init__(self, log: RequestLog) -> None:
        self.write = log.append

    def flush(self) -> None:
        """Do nothing: there is no buffer."""


def _stamped(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the time, unless the record has one: when its request ended."""
    at_s = event.pop("at_s", None)
    event["timestamp"] = datetime.now(UTC) if at_s is None else datetime.fromtimestamp(at_s, UTC)
    return event


def without_data(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace arrays, bytes and long lists in a record by a description of them.

    >>> without_data(None, "info", {"image": np.zeros((28, 28)), "images": 1})
    {'image': 'array of shape (28, 28), float64', 'images': 1}
    """
    for name, value in event.items():
        if isinstance(value, _PLAIN):
            continue
        if isinstance(value, np.generic):
            event[name] = value.item()
        elif isinstance(value, np.ndarray):
            event[name] = f"array of shape {value.shape}, {value.dtype}"
        elif isinstance(value, bytes | bytearray | memoryview):
            event[name] = f"{len(value):,} bytes"
        elif isinstance(value, Mapping):
            event[name] = f"{len(value):,} entries"
        elif isinstance(value, list | tuple):
            is_short = len(value) <= _MOST_NUMBERS and all(
                isinstance(each, _PLAIN) for each in value
            )
            event[name] = value if is_short else f"{len(value):,} values"
        else:
            event[name] = describe(value)
    return event
