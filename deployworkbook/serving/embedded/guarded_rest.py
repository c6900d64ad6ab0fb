"""The REST port behind a guard: the same application and the same short way, but not for all.

Open to all stay a model's status and metadata, which the readiness probes of Docker and Kubernetes
ask for without a secret, and the preflight requests of browsers, which never carry one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from deployworkbook.serving.embedded.bodies import error_body
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.express import ExpressProtocol
from deployworkbook.serving.embedded.guard import RATE_USED_UP, Guard, TooSoonError, log, network
from deployworkbook.serving.embedded.heads import Head, Heads
from deployworkbook.serving.embedded.paths import LOOK, path_of

_UNKNOWN = "unknown"


class GuardedRest:
    """An application that gets only requests that the guard admits.

    Args:
        app: The application.
        guard: Admits requests.
        headers: Headers of each answer.
    """

    def __init__(self, app: ASGIApp, guard: Guard, headers: dict[str, str]) -> None:
        self._app = app
        self._guard = guard
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it before its body is read; the ASGI entry point."""
        if scope["type"] == "http" and not _is_open(scope):
            peer = (scope.get("client") or (_UNKNOWN,))[0]
            try:
                self._guard.admit(Headers(scope=scope).get("authorization"), peer)
            except ServingError as error:
                headers = self._headers | _explained(error, has_token=_has_token(scope))
                refusal = Response(
                    error_body(error.text), error.http_status, headers, "application/json"
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _has_token(scope: Scope) -> bool:
    return "authorization" in Headers(scope=scope)


def _explained(error: ServingError, *, has_token: bool) -> dict[str, str]:
    if isinstance(error, TooSoonError):
        return {"Retry-After": str(math.ceil(error.wait_s))}
    if error.code is Code.UNAUTHENTICATED:
        wrong = ', error="invalid_token"' if has_token else ""
        return {"WWW-Authenticate": f'Bearer realm="models"{wrong}'}
    return {}


def _is_open(scope: Scope) -> bool:
    path = path_of(scope["raw_path"].decode("ascii", "replace"))
    if scope["method"] == "OPTIONS":
        return True
    return scope["method"] == "GET" and LOOK.fullmatch(path) is not None


@dataclass(frozen=True)
class Admitted:
    """A request whose token is one of the server's.

    Args:
        spec: The model that it asks for.
        holder: The token's number as a text; ``None`` without tokens.
    """

    spec: Any
    holder: str | None


class GuardedHeads(Heads):
    """The heads of ordinary requests with a valid token; ``rest`` refuses the others.

    A remembered head holds the token with it, so it is checked once. Nobody can guess it from how
    long the look-up takes: Python finds a head by a hash with a secret key.

    Args:
        largest_bytes: Maximum size of a head.
        guard: Knows the tokens.
    """

    def __init__(self, largest_bytes: int, guard: Guard) -> None:
        super().__init__(largest_bytes)
        self._tokens = guard.tokens

    def kept(self, spec: Any, headers: dict[bytes, bytes]) -> Any:
        """Return what is remembered of a head; ``None`` if its token isn't valid."""
        if self._tokens is None:
            return Admitted(spec, None)
        holder = self._tokens.holder(headers.get(b"authorization", b"").decode("latin-1"))
        return None if holder is None else Admitted(spec, str(holder))


class GuardedProtocol(ExpressProtocol):
    """A connection whose ordinary predict requests take the short way, at its client's rate.

    Args:
        args: Arguments of ``ExpressProtocol``.
        guard: Limits the rate.
        kwargs: Keyword arguments of ``ExpressProtocol``.
    """

    def __init__(self, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limiter = guard.limiter
        self._paid: str | None = None
        self._network = _UNKNOWN

    def connection_made(self, transport: Any) -> None:
        """Accept a connection, and note from where it comes."""
        self._network = network((transport.get_extra_info("peername") or (_UNKNOWN,))[0])
        super().connection_made(transport)

    def _answer(self, head: Head, data: bytes, start: int) -> None:
        admitted: Admitted = head.spec
        if self._limiter is not None:
            client = admitted.holder or self._network
            wait_s = self._limiter.take(client)
            if wait_s > 0:
                self._refuse_request(TooSoonError(self._limiter, wait_s))
                return
            self._paid = client
        super()._answer(Head(admitted.spec, head.body_bytes), data, start)
        self._paid = None

    def _refuse_request(self, error: TooSoonError) -> None:
        """Refuse a request at once: whoever sends too many must not cost more than the others."""
        log.warning(RATE_USED_UP, self._network)
        body = error_body(error.text)
        head = self._lane.head(error.http_status, len(body), self.server_state.default_headers)
        more = "".join(f"{n}: {v}\r\n" for n, v in _explained(error, has_token=True).items())
        first, line_end, rest = head.partition(b"\r\n")
        self.transport.write(first + line_end + more.encode() + rest + body)
        self._end()

    def _leave_to_h11(self, data: bytes) -> None:
        if self._paid is not None and self._limiter is not None:
            self._limiter.give_back(self._paid)  # the request will be counted there
            self._paid = None
        super()._leave_to_h11(data)
