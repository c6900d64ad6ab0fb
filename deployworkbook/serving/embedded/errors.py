"""Errors of the API: a canonical code and a text, as gRPC and as HTTP say them."""

from __future__ import annotations

from enum import IntEnum

# Longer texts do not fit into the trailers of a gRPC answer.
LONGEST_GRPC_TEXT = 1024


class Code(IntEnum):
    """The canonical codes, with the numbers that gRPC and TensorFlow share."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


HTTP_STATUS = {
    Code.OK: 200,
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.OUT_OF_RANGE: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.ABORTED: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}


class ServingError(Exception):
    """What a request or a load ends with when it fails.

    Args:
        code: The canonical code.
        text: What the client reads.
    """

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def http_status(self) -> int:
        """The status of a REST answer; 500 for codes that have none of their own."""
        return HTTP_STATUS.get(self.code, 500)

    @property
    def grpc_text(self) -> str:
        """The text, cut to what a gRPC answer carries."""
        if len(self.text) <= LONGEST_GRPC_TEXT:
            return self.text
        return self.text[:LONGEST_GRPC_TEXT] + "...TRUNCATED"

    def __str__(self) -> str:
        return f"{self.code.name}: {self.text}"


def invalid(text: str) -> ServingError:
    """Make the error of a request that is wrong in itself.

    >>> str(invalid("Missing ModelSpec"))
    'INVALID_ARGUMENT: Missing ModelSpec'
    """
    return ServingError(Code.INVALID_ARGUMENT, text)
