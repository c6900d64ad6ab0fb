"""The API's errors: a canonical code and a message, for gRPC and HTTP."""

from __future__ import annotations

from deployworkbook.serving.api.codes import HTTP_STATUS, Code

# In bytes of UTF-8, as in TensorFlow Serving. gRPC writes three bytes for each that isn't ASCII,
# and clients refuse trailers of more than 8 kB.
LONGEST_GRPC_TEXT = 1024

__all__ = ["LONGEST_GRPC_TEXT", "Code", "ServingError", "cut", "invalid", "too_late"]


class ServingError(Exception):
    """A request or the loading of a version failed.

    Args:
        code: The canonical code.
        text: The message for the client.
    """

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def http_status(self) -> int:
        """The HTTP status; 500 for codes without one of their own."""
        return HTTP_STATUS.get(self.code, 500)

    @property
    def grpc_text(self) -> str:
        """The message, cut to what gRPC carries."""
        return cut(self.text, LONGEST_GRPC_TEXT, "...TRUNCATED")

    def __str__(self) -> str:
        return f"{self.code.name}: {self.text}"


def cut(text: str, most_bytes: int, mark: str) -> str:
    """Cut a text to a number of bytes of UTF-8, between characters, and mark the cut.

    Args:
        text: Any text; what UTF-8 can't encode becomes a question mark.
        most_bytes: Maximum length in bytes, without the mark.
        mark: Added to a text that was cut.

    >>> cut("naïve", 3, "…"), cut("naïve", 6, "…")
    ('na…', 'naïve')
    """
    written = text.encode("utf-8", "replace")
    if len(written) <= most_bytes:
        return written.decode("utf-8")
    return written[:most_bytes].decode("utf-8", "ignore") + mark


def invalid(text: str) -> ServingError:
    """Make the error for an invalid request.

    >>> str(invalid("Missing ModelSpec"))
    'INVALID_ARGUMENT: Missing ModelSpec'
    """
    return ServingError(Code.INVALID_ARGUMENT, text)


def too_late(seconds: float) -> ServingError:
    """Make the error for a request that took too long.

    >>> str(too_late(0.5))
    'DEADLINE_EXCEEDED: The request took more than 0.5 s'
    """
    return ServingError(Code.DEADLINE_EXCEEDED, f"The request took more than {seconds:g} s")
