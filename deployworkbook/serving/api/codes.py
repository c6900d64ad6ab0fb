"""The canonical error codes, which gRPC and TensorFlow share, and their HTTP statuses."""

from __future__ import annotations

from enum import IntEnum


class Code(IntEnum):
    """The canonical error codes, with the numbers that gRPC and TensorFlow share."""

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

# The first, and most common, code for each status.
_CODES = {status: code for code, status in reversed(HTTP_STATUS.items())}


def code_of_http(status: int) -> Code:
    """Return the code for an HTTP status; several codes share 400 and 409.

    >>> code_of_http(404).name, code_of_http(500).name, code_of_http(400).name
    ('NOT_FOUND', 'INTERNAL', 'INVALID_ARGUMENT')
    """
    return _CODES.get(status, Code.INTERNAL)
