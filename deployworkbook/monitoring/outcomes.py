"""Whose fault an error is."""

from __future__ import annotations

from deployworkbook.serving.api.codes import Code

# A client's mistake isn't the server's failure; asking for an unknown model is mostly a mistake.
CLIENTS_CODES = (
    Code.OK,
    Code.INVALID_ARGUMENT,
    Code.NOT_FOUND,
    Code.FAILED_PRECONDITION,
    Code.OUT_OF_RANGE,
    Code.UNIMPLEMENTED,
    Code.CANCELLED,
)
# The same as a regular expression of Prometheus' queries.
CLIENTS_PATTERN = "|".join(code.name for code in CLIENTS_CODES)


def is_servers_fault(code: Code) -> bool:
    """Return whether the server failed a request that ended with this code.

    >>> is_servers_fault(Code.INTERNAL), is_servers_fault(Code.INVALID_ARGUMENT)
    (True, False)
    """
    return code not in CLIENTS_CODES
