"""A variant of the workbook's model, which compression makes and runtimes export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deployworkbook.validation import value_error

FORMS = {"model": "a Keras model", "flatbuffer": "a LiteRT file", "onnx": "an ONNX file"}


@dataclass(frozen=True)
class Variant:
    """A variant of the model, such as ``float32``, ``int8`` or ``pruned-95``, in one form.

    Args:
        name: Name in the ledger and of files: letters, digits, dots and hyphens.
        model: The Keras model, if it is one.
        flatbuffer: Content of the LiteRT file, if it is one.
        note: How it was made, in a sentence.
        onnx: Content of the ONNX file, if it is one.

    Raises:
        ValueError: The name can't be a file name, or there isn't exactly one of model, flatbuffer
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
        """The form in words: one of ``FORMS``.

        >>> Variant("int8", flatbuffer=b"TFL3").form
        'a LiteRT file'
        """
        return self._held()[0]

    def _held(self) -> list[str]:
        return [text for name, text in FORMS.items() if getattr(self, name) is not None]
