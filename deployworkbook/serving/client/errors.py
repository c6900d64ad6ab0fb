"""The error that clients raise: what the server said, and what to do."""

from __future__ import annotations

from deployworkbook.serving.api.codes import Code


class RequestError(Exception):
    """A request got no answer, or an error as its answer.

    Args:
        code: The canonical code. Over REST, the most common code for the HTTP status.
        said: What the server said, or why it couldn't be reached.
        remedy: What to do, in a sentence or two.

    >>> error = RequestError(Code.NOT_FOUND, "Servable not found for request: Latest(x)", "Ask y.")
    >>> print(error)
    NOT_FOUND: Servable not found for request: Latest(x). Ask y.
    >>> error.code is Code.NOT_FOUND
    True
    """

    def __init__(self, code: Code, said: str, remedy: str = "") -> None:
        super().__init__(code, said, remedy)
        self.code = code
        self.said = said
        self.remedy = remedy

    def __str__(self) -> str:
        said = self.said.rstrip().rstrip(".")
        text = f"{self.code.name}: {said}."
        return f"{text} {self.remedy}" if self.remedy else text
