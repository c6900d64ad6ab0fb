"""One form of the workbook's model: what compression makes and runtimes export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployworkbook.validation import message


@dataclass(frozen=True)
class Variant:
    """The model in one form, such as ``float32``, ``int8`` or ``pruned-95``.

    Args:
        name: What the ledger calls it: letters, digits, dots and hyphens, as in names of files.
        model: The Keras model, where the form is one.
        flatbuffer: The LiteRT file's bytes, where the form is one.
        note: How it was made, in a sentence.

    Raises:
        ValueError: The name cannot name a file, or there is neither model nor flatbuffer, or
            there are both.
    """

    name: str
    model: Any = None
    flatbuffer: bytes | None = None
    note: str = ""

    def __post_init__(self) -> None:
        plain = self.name.replace("-", "").replace(".", "")
        if not (plain.isascii() and plain.isalnum()):
            expected = "letters, digits, dots and hyphens"
            raise ValueError(message("name", received=repr(self.name), expected=expected))
        if (self.model is None) == (self.flatbuffer is None):
            received = "neither" if self.model is None else "both"
            raise ValueError(
                message(self.name, received=received, expected="a model or a flatbuffer")
            )
