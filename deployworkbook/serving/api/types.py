"""Requests and answers as plain values: models, signatures, versions, predictions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from deployworkbook.serving.api.version_folders import LARGEST
from deployworkbook.validation import (
    check_encodable,
    check_integer,
    describe,
    type_error,
    value_error,
)

DEFAULT_SIGNATURE = "serving_default"


@dataclass(frozen=True)
class ModelSpec:
    """Which model a request is for.

    Args:
        model: The model's name on the server.
        version: The version's number; ``None`` for the newest one loaded.
        label: A label such as ``stable``, instead of a number.
        signature: The signature to call.

    Raises:
        TypeError: The version isn't a whole number, or a name isn't a string.
        ValueError: A name is empty or can't be encoded as UTF-8, or both a version and a label
            are given.
    """

    model: str
    version: int | None = None
    label: str | None = None
    signature: str = DEFAULT_SIGNATURE

    def __post_init__(self) -> None:
        for name in ("model", "label", "signature"):
            text = getattr(self, name)
            if not (isinstance(text, str) or (name == "label" and text is None)):
                raise type_error(name, received=describe(text), expected="a text")
            if text == "":
                remedy = "It is the server's --model_name." if name == "model" else ""
                raise value_error(name, received="none", expected="a name", remedy=remedy)
            check_encodable(name, text)
        if self.version is not None:
            check_integer("version", self.version, 0, LARGEST)
            if self.label is not None:
                raise value_error(
                    "version and label",
                    received=f"{self.version} and {self.label!r}",
                    expected="one of them, or neither for the newest version",
                )


@dataclass(frozen=True)
class TensorSpec:
    """The type and shape of an input or output.

    Args:
        dtype: NumPy's name of the type, or ``string``.
        shape: The size of each axis, ``None`` for any; or ``None`` for any number of axes.

    >>> str(TensorSpec("float32", (None, 28, 28)))
    'float32 [any, 28, 28]'
    """

    dtype: str
    shape: tuple[int | None, ...] | None

    def __str__(self) -> str:
        if self.shape is None:
            return f"{self.dtype} of any shape"
        sizes = ", ".join("any" if size is None else str(size) for size in self.shape)
        return f"{self.dtype} [{sizes}]"


@dataclass(frozen=True)
class Signature:
    """A signature of a model: its inputs and outputs.

    Args:
        inputs: Type and shape of each input, by name.
        outputs: Type and shape of each output, by name.
        method: The API method it is for, such as ``tensorflow/serving/predict``.
    """

    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]
    method: str = ""


@dataclass(frozen=True)
class ModelMetadata:
    """A loaded version and its signatures.

    Args:
        model: The model's name.
        version: The version's number.
        signatures: The signatures, by name.
    """

    model: str
    version: int
    signatures: dict[str, Signature]


@dataclass(frozen=True)
class VersionStatus:
    """The state of a version.

    Args:
        version: The version's number.
        state: ``START``, ``LOADING``, ``AVAILABLE``, ``UNLOADING`` or ``END``.
        error: Why loading failed; empty if it didn't.
    """

    version: int
    state: str
    error: str = ""

    @property
    def is_available(self) -> bool:
        """Whether the version answers requests."""
        return self.state == "AVAILABLE"


@dataclass(frozen=True, eq=False)
class Prediction:
    """A model's answer to a request.

    Args:
        outputs: Arrays by output name.
        model: The model's name.
        version: The version that answered. REST doesn't report it: then the version asked for, or
            ``None``.
    """

    outputs: dict[str, NDArray[Any]] = field(repr=False)
    model: str
    version: int | None

    @property
    def output(self) -> NDArray[Any]:
        """The array, if there is only one output.

        Raises:
            ValueError: There are several outputs; the message lists them.
        """
        if len(self.outputs) != 1:
            received = ", ".join(sorted(self.outputs)) or "none"
            remedy = "Take one of .outputs by its name."
            raise value_error("output", received=received, expected="one output", remedy=remedy)
        return next(iter(self.outputs.values()))
