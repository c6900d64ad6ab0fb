"""Find where an HTTP/1.1 message ends: h11, without the leniency that allows request smuggling.

If a proxy and a server disagree about where a message ends, one client's bytes become part of
another's request (RFC 9112, sections 2.2, 5.2, 6 and 11.2). So everything ambiguous is refused.
"""

from __future__ import annotations

import re
from typing import Any

import h11
from h11._receivebuffer import ReceiveBuffer

# A length beyond a signed 64-bit integer overflows in many servers.
LARGEST_LENGTH = 2**63 - 1
LONGEST_CHUNK_LINE_BYTES = 1024
_MOST_HEX_DIGITS = 15
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_FOLDED_LINE = re.compile(rb"\n[ \t]")
_BARE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_CHUNK_SIZE = re.compile(rb"0*([0-9a-fA-F]*)")


class StrictBuffer(ReceiveBuffer):
    """h11's receive buffer, but refusing lines that other servers may read differently."""

    def maybe_extract_lines(self) -> list[bytearray] | None:
        """Return the lines of a header or trailer section, if they are complete.

        Raises:
            h11.LocalProtocolError: A line ends in a bare LF, or continues the line before.
        """
        held = bytes(self)
        lines: list[bytearray] | None = super().maybe_extract_lines()
        if lines is not None:
            taken = held[: len(held) - len(self)]
            if _BARE_LINE_FEED.search(taken):
                raise h11.LocalProtocolError("A line ends in LF. Expected CR LF")
            if _FOLDED_LINE.search(taken):
                raise h11.LocalProtocolError(
                    "A header continues on the next line. Expected one line"
                )
        return lines

    def maybe_extract_next_line(self) -> bytearray | None:
        """Return the line that starts a chunk, if it is complete.

        Raises:
            h11.LocalProtocolError: The line is too long, contains a CR or LF, or the size absurd.
        """
        line: bytearray | None = super().maybe_extract_next_line()
        if len(self if line is None else line) > LONGEST_CHUNK_LINE_BYTES:
            raise h11.LocalProtocolError(
                f"A chunk's first line has more than {LONGEST_CHUNK_LINE_BYTES} bytes"
            )
        if line is None:
            return None
        if _BARE_END.search(line):
            raise h11.LocalProtocolError("A chunk's first line has a CR or LF of its own")
        size = _CHUNK_SIZE.match(line)
        if size and len(size[1]) > _MOST_HEX_DIGITS:
            raise h11.LocalProtocolError(
                f"A chunk's size has more than {_MOST_HEX_DIGITS} hexadecimal digits"
            )
        return line


class StrictConnection(h11.Connection):
    """The server's side of a connection, on which each message has exactly one possible end.

    Args:
        largest_head_bytes: Maximum size of a request's first line and headers.
    """

    def __init__(self, largest_head_bytes: int) -> None:
        super().__init__(h11.SERVER, largest_head_bytes)
        self._receive_buffer = StrictBuffer()
        self.fault = ""

    @property
    def is_between_requests(self) -> bool:
        """Whether nothing of a request or of its answer is unfinished."""
        return (
            self.our_state is h11.IDLE
            and self.their_state is h11.IDLE
            and not len(self._receive_buffer)
        )

    def next_event(self) -> Any:
        """Return the next event, as ``h11.Connection`` does.

        Raises:
            h11.RemoteProtocolError: The client violated HTTP, or its message's end is ambiguous.
        """
        try:
            event = super().next_event()
            if isinstance(event, h11.Request):
                _check_length(event)
        except h11.RemoteProtocolError as error:
            self.fault = str(error)
            raise
        return event


def _check_length(request: h11.Request) -> None:
    headers = dict(request.headers)  # names in lower case; h11 allows each of these once
    length = headers.get(b"content-length")
    if b"transfer-encoding" in headers:
        if length is not None:
            raise h11.RemoteProtocolError("Expected Content-Length or Transfer-Encoding, not both")
        if request.http_version < b"1.1":
            raise h11.RemoteProtocolError("Transfer-Encoding needs HTTP/1.1")
    if length is not None and int(length) > LARGEST_LENGTH:
        raise h11.RemoteProtocolError(f"Content-Length is above {LARGEST_LENGTH}")
