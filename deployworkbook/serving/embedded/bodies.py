"""Read and send HTTP bodies within limits of size, time and memory."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

import anyio
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deployworkbook.serving.embedded.budget import Account
from deployworkbook.serving.embedded.errors import invalid
from deployworkbook.serving.embedded.json_text import INDENT

PIECE_BYTES = 64 * 1024


@dataclass(frozen=True)
class HttpError(Exception):
    """An error that only HTTP has a status for."""

    status: int
    text: str


class PiecewiseResponse(Response):
    """A response sent no faster than its client reads, so that it isn't buffered twice."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        if len(self.body) <= PIECE_BYTES:
            await super().__call__(scope, receive, send)
            return
        body = memoryview(self.body)
        headers = self.raw_headers
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        for start in range(0, len(body), PIECE_BYTES):
            piece = bytes(body[start : start + PIECE_BYTES])
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def read_body(
    request: Request, account: Account, *, most_bytes: int, within_s: float
) -> bytes:
    """Read a request's body, and decompress it if necessary.

    Args:
        request: The request.
        account: The request's memory; each piece is counted as it arrives.
        most_bytes: Maximum length, both as sent and decompressed.
        within_s: How long the client may take to send it.

    Raises:
        HttpError: The body is too long or too slow.
        ServingError: The body takes too much memory, or isn't valid gzip.
    """
    if int(request.headers.get("content-length", "0")) > most_bytes:
        raise _too_large(most_bytes)
    pieces, size = [], 0
    with anyio.move_on_after(within_s):
        async for piece in request.stream():
            size += len(piece)
            if size > most_bytes:
                raise _too_large(most_bytes)
            account.reserve(len(piece), "the body")
            pieces.append(piece)
        account.reserve(size, "the body")
        body = b"".join(pieces)
        pieces.clear()
        account.release(size)
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding in ("gzip", "x-gzip"):
            return await to_thread.run_sync(_inflated, body, account, most_bytes)
        return body
    raise too_slow(within_s)


def too_slow(within_s: float) -> HttpError:
    """Make the error for a client that is slow with a body."""
    return HttpError(408, f"The request's body took more than {within_s:g} s")


def error_body(text: str) -> bytes:
    """Write the body of an error's answer."""
    body = json.dumps({"error": text}, indent=INDENT, ensure_ascii=False)
    return body.encode("utf-8", "replace")


def _inflated(body: bytes, account: Account, most_bytes: int) -> bytes:
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    pieces, size = [], 0
    with account:
        try:
            for start in range(0, len(body) + 1, PIECE_BYTES):
                given = body[start : start + PIECE_BYTES]
                piece = b"."
                # Even after the last input, more than one piece can be left.
                while not inflater.eof and (given or piece):
                    piece = inflater.decompress(given, PIECE_BYTES)
                    given = inflater.unconsumed_tail
                    size += len(piece)
                    if size > most_bytes:
                        raise _too_large(most_bytes)
                    # Twice, because the pieces are joined later.
                    account.reserve(2 * len(piece), "the inflated body")
                    pieces.append(piece)
        except zlib.error as error:
            raise invalid(f"The body is no gzip ({error})") from error
        if not inflater.eof:
            raise invalid("The body is no gzip (it ends early)")
        plain = b"".join(pieces)
        account.release(size)
        return plain


def _too_large(most_bytes: int) -> HttpError:
    return HttpError(413, f"The request is larger than --max_request_bytes={most_bytes}")
