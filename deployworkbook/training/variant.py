"""One form of the workbook's model: what compression makes and runtimes export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployworkbook.validation import value_error

FORMS = {"model": "a Keras model", "flatbuffer": "a LiteRT file", "onnx": "an ONNX file"}


@dataclass(frozen=True)
class Variant:
    """The model in one form, such as ``float32``, ``int8`` or ``pruned-95``.

    Args:
        name: What the ledger calls it: letters, digits, dots and hyphens, as in names of files.
        model: The Keras model, where the form is one.
        flatbuffer: The LiteRT file's bytes, where the form is one.
        note: How it was made, in a sentence.
        onnx: The ONNX file's bytes, where the form is one.

    Raises:
        ValueError: The name cannot name a file, or there is not exactly one of model, flatbuffer
            and onnx.
    """

    name: str
    model: Any = None
    flatbuffer: bytes | None = None
    note: str = ""
    onnx: bytes | None = None

    def __post_init__(self) -> None:
        plain = self.name.replace("-", "").replace(".", "")
        if not (plain.isascii() and plain.isalnum()):
            expected = "letters, digits, dots and hyphens"
            raise value_error("name", received=repr(self.name), expected=expected)
        held = self._held()
        if len(held) != 1:
            raise value_error(
                self.name,
                received=" and ".join(held) or "none of them",
                expected="one of " + ", ".join(FORMS.values()),
            )

    @property
    def form(self) -> str:
        """What it is, in words: one of ``FORMS``.

        >>> Variant("int8", flatbuffer=b"TFL3").form
        'a LiteRT file'
        """
        return self._held()[0]

    def _held(self) -> list[str]:
        return [text for name, text in FORMS.items() if getattr(self, name) is not None]
