"""One JSON line per request: who answered, how long it took, what went wrong. Never an image.

A log outlives the request, is copied and searched, and its readers weren't asked whether they may
see the data. So arrays and bytes are described, not written, and messages lose their numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import orjson
import structlog

from deployworkbook.monitoring.fingerprints import fingerprint, general_text
from deployworkbook.validation import describe

ANSWERED, FAILED = "request answered", "request failed"
# More numbers than this in one field are data.
_MOST_NUMBERS = 4


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
        # Without a buffer, one write per line: lines of several processes don't mix.
        self._file = self.path.open("ab", buffering=0)
        self._start = self._file.tell()
        self._logger = structlog.wrap_logger(
            structlog.BytesLogger(self._file),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                without_data,
                structlog.processors.JSONRenderer(serializer=orjson.dumps),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        )

    @property
    def written_bytes(self) -> int:
        """How much was written since it was opened."""
        return self._file.tell() - self._start

    def answered(self, **fields: Any) -> None:
        """Record an answered request.

        Args:
            fields: Such as ``request_id``, ``model``, ``version`` and ``latency_ms``.
        """
        self._logger.info(ANSWERED, code="OK", **fields)

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def without_data(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace arrays, bytes and long lists in a record by a description of them.

    >>> without_data(None, "info", {"image": np.zeros((28, 28)), "images": 1})
    {'image': 'array of shape (28, 28), float64', 'images': 1}
    """
    for name, value in event.items():
        if isinstance(value, str | int | float | None):
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
                isinstance(each, str | int | float | None) for each in value
            )
            event[name] = value if is_short else f"{len(value):,} values"
        else:
            event[name] = describe(value)
    return event
