"""Errors of the API: a canonical code and a text, as gRPC and as HTTP say them."""

from __future__ import annotations

from deployworkbook.serving.api.codes import HTTP_STATUS, Code

# Longer texts do not fit into the trailers of a gRPC answer.
LONGEST_GRPC_TEXT = 1024

__all__ = ["LONGEST_GRPC_TEXT", "Code", "ServingError", "invalid"]


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
