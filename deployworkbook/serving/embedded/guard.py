"""Who may use the server, and how often: tokens and rates, independent of the protocol."""

from __future__ import annotations

import ipaddress
import logging
import os
import stat
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import grpc

from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.flags import TOKEN_VARIABLE, Options
from deployworkbook.serving.embedded.rates import RateLimiter
from deployworkbook.serving.security.tokens import Tokens, check_token, read_tokens

log = logging.getLogger(__name__)

RATE_USED_UP = "A client has used up its rate: %s"
# gRPC's own header for when to try again, in ms (gRFC A6).
_PUSHBACK = "grpc-retry-pushback-ms"


class TooSoonError(ServingError):
    """A client has used up its rate.

    Args:
        limiter: The limit.
        wait_s: In how many seconds it may send a request.
    """

    def __init__(self, limiter: RateLimiter, wait_s: float) -> None:
        super().__init__(
            Code.RESOURCE_EXHAUSTED,
            f"Too many requests: a client may send {limiter.rate_per_s:g} per second, and "
            f"{limiter.burst} at once (--rate_limit_per_second, --rate_limit_burst). "
            f"Try again in {wait_s:.3g} s",
        )
        self.wait_s = wait_s


class Guard:
    """Admits requests.

    A client is who holds a token; without tokens, an IP address (of IPv6 the first 64 bits, which
    is what one customer gets).

    Args:
        tokens: The tokens; ``None`` to admit all.
        limiter: The rate of each client; ``None`` for no limit.
    """

    def __init__(self, tokens: Tokens | None, limiter: RateLimiter | None) -> None:
        self.tokens = tokens
        self.limiter = limiter

    def client(self, authorization: str | None, peer: str) -> str:
        """Return who sends a request.

        Args:
            authorization: The header of that name; ``None`` if there is none.
            peer: The client's IP address.

        Raises:
            ServingError: It has none of the server's tokens.
        """
        if self.tokens is None:
            return network(peer)
        holder = None if authorization is None else self.tokens.holder(authorization)
        if holder is None:
            log.warning("A request without a valid token was refused, from %s", peer)
            raise ServingError(
                Code.UNAUTHENTICATED,
                'This server wants a token: send it as "Authorization: Bearer TOKEN"'
                if authorization is None
                else "The token is none of this server's",
            )
        return str(holder)

    def admit(self, authorization: str | None, peer: str) -> None:
        """Admit a request.

        Raises:
            ServingError: The client has no token, or has used up its rate.
        """
        client = self.client(authorization, peer)
        if self.limiter is not None:
            wait_s = self.limiter.take(client)
            if wait_s > 0:
                log.warning(RATE_USED_UP, peer)
                raise TooSoonError(self.limiter, wait_s)

    def admit_call(self, context: grpc.ServicerContext) -> None:
        """Admit a call of gRPC, or end it with an error, which raises an exception."""
        headers: Sequence[Any] = context.invocation_metadata() or ()
        given = [str(value) for name, value in headers if name == "authorization"]
        try:
            self.admit(given[0] if given else None, _host_of(context.peer()))
        except TooSoonError as error:
            context.set_trailing_metadata(((_PUSHBACK, str(round(1000 * error.wait_s))),))
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, error.text)
        except ServingError as error:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, error.text)


def guard_of(options: Options) -> Guard | None:
    """Make the guard that the options ask for; ``None`` if everybody may use the server.

    Raises:
        OSError: The file of tokens can't be read.
        ValueError: A token can't be one.
    """
    limiter = (
        RateLimiter(options.rate_limit_per_second, options.rate_limit_burst)
        if options.rate_limit_per_second
        else None
    )
    tokens = _tokens(options.bearer_token_file)
    if not tokens and limiter is None:
        return None
    return Guard(Tokens(tokens) if tokens else None, limiter)


def _tokens(path: Path | None) -> list[str]:
    if path is not None:
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            log.warning("%s can be read by others on this machine: chmod 600 %s", path, path)
        return read_tokens(path)
    given = os.environ.get(TOKEN_VARIABLE)
    return [] if given is None else [check_token(TOKEN_VARIABLE, given)]


@lru_cache(4096)
def network(peer: str) -> str:
    """Return the part of an IP address that one customer has.

    >>> network("10.0.0.7"), network("::ffff:10.0.0.7"), network("2001:db8:1:2:3::4")
    ('10.0.0.7', '10.0.0.7', '2001:db8:1:2::/64')
    """
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _host_of(peer: str) -> str:
    """Return the IP address of gRPC's name for a client.

    >>> _host_of("ipv4:127.0.0.1:4711"), _host_of("ipv6:%5B::1%5D:4711")
    ('127.0.0.1', '::1')
    """
    _, _, place = peer.partition(":")
    host, _, _ = place.rpartition(":")
    return host.replace("%5B", "").replace("%5D", "").strip("[]")
