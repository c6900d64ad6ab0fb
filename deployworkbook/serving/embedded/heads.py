"""What the head of a request says, if it is an ordinary one: read by h11 once, then remembered.

A client sends the same head again and again; only the body's length changes. The same bytes mean
the same, so nothing but h11 ever decides what a head means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import h11

from deployworkbook.serving.embedded.errors import ServingError
from deployworkbook.serving.embedded.framing import StrictConnection
from deployworkbook.serving.embedded.paths import RUN, path_of, spec_of

_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: ([1-9][0-9]{0,8})\r\n")
# Headers that change how a request is read or answered. What "Connection" says besides that the
# connection stays open does, too.
_UNUSUAL = {b"content-encoding", b"expect", b"transfer-encoding", b"upgrade"}
_KEPT = b"keep-alive"
# Longer heads aren't remembered, and at most so many are.
_LONGEST_BYTES, _MOST = 2048, 1024


@dataclass(frozen=True)
class Head:
    """An ordinary request for a prediction.

    Args:
        spec: The model that it asks for, as ``ModelSpec``.
        body_bytes: The length of its body.
    """

    spec: Any
    body_bytes: int


class Heads:
    """The heads seen lately.

    Args:
        largest_bytes: Maximum size of a head.
    """

    def __init__(self, largest_bytes: int) -> None:
        self._largest_bytes = largest_bytes
        self._specs: dict[tuple[bytes, bytes], Any] = {}

    def read(self, head: bytes) -> Head | None:
        r"""Read a head, up to and with its empty line; ``None`` if it isn't ordinary.

        >>> heads = Heads(16384)
        >>> lines = b"POST /v1/models/m:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n"
        >>> heads.read(lines + b"\r\n").body_bytes
        12
        >>> heads.read(lines + b"Connection: close\r\n\r\n") is None
        True
        """
        found = _LENGTH.search(head)
        if found is None:
            return None
        key = head[: found.start(1)], head[found.end(1) :]
        spec = self._specs.get(key)
        if spec is None:
            spec = self._read_by_h11(head)
            if spec is None:
                return None
            if len(head) <= _LONGEST_BYTES:
                if len(self._specs) >= _MOST:
                    self._specs.clear()
                self._specs[key] = spec
        return Head(spec, int(found[1]))

    def _read_by_h11(self, head: bytes) -> Any:
        connection = StrictConnection(self._largest_bytes)
        connection.receive_data(head)
        try:
            request = connection.next_event()
        except h11.RemoteProtocolError:
            return None
        if not isinstance(request, h11.Request) or connection.trailing_data[0]:
            return None
        headers = dict(request.headers)
        path = RUN.fullmatch(path_of(request.target.decode("ascii", "replace")))
        if (
            request.method != b"POST"
            or request.http_version != b"1.1"
            or _UNUSUAL & headers.keys()
            or headers.get(b"connection", _KEPT).lower() != _KEPT
            or path is None
            or path["method"].lower() != "predict"
        ):
            return None
        try:
            return self.kept(spec_of(path), headers)
        except ServingError:
            return None

    def kept(self, spec: Any, headers: dict[bytes, bytes]) -> Any:
        """Return what is remembered of an ordinary head; ``None`` if it isn't ordinary at all.

        Args:
            spec: The model that it asks for.
            headers: Its headers, with names in lower case.
        """
        return spec
