"""Errors of the API: a canonical code and a text, as gRPC and as HTTP say them."""

from __future__ import annotations

from deployworkbook.serving.api.codes import HTTP_STATUS, Code

# Bytes of UTF-8, as TensorFlow Serving counts them. gRPC writes three for each that is not ASCII,
# and an answer whose trailers exceed 8 kB is refused by the client.
LONGEST_GRPC_TEXT = 1024

__all__ = ["LONGEST_GRPC_TEXT", "Code", "ServingError", "cut", "invalid"]


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
        return cut(self.text, LONGEST_GRPC_TEXT, "...TRUNCATED")

    def __str__(self) -> str:
        return f"{self.code.name}: {self.text}"


def cut(text: str, most_bytes: int, mark: str) -> str:
    """Cut a text to a number of bytes of UTF-8, between two characters, and mark the cut.

    Args:
        text: Any text; what UTF-8 can't write becomes a question mark.
        most_bytes: How many bytes stay, the mark not counted.
        mark: What is added to a text that was longer.

    >>> cut("naïve", 3, "…"), cut("naïve", 6, "…")
    ('na…', 'naïve')
    """
    written = text.encode("utf-8", "replace")
    if len(written) <= most_bytes:
        return written.decode("utf-8")
    return written[:most_bytes].decode("utf-8", "ignore") + mark


def invalid(text: str) -> ServingError:
    """Make the error of a request that is wrong in itself.

    >>> str(invalid("Missing ModelSpec"))
    'INVALID_ARGUMENT: Missing ModelSpec'
    """
    return ServingError(Code.INVALID_ARGUMENT, text)
