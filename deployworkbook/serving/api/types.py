"""What the API speaks of, as plain values: models, signatures, versions, predictions."""

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
        model: Its name, as the server calls it.
        version: Its version; ``None`` for the newest that the server has loaded.
        label: A version's name instead, such as ``stable``.
        signature: The entry of the model that answers.

    Raises:
        TypeError: The version is not a whole number, or a name is no text.
        ValueError: The model has no name, a name can't be written as UTF-8, or there are both a
            version and a label.
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
                remedy = "The server's --model_name says it." if name == "model" else ""
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
    """What an input takes, or an output gives.

    Args:
        dtype: NumPy's name of the type, or ``string``.
        shape: Its sizes, ``None`` for any; ``None`` for any number of axes.

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
    """One entry of a model.

    Args:
        inputs: What it takes, by name.
        outputs: What it gives, by name.
        method: The API's method that it is made for, such as ``tensorflow/serving/predict``.
    """

    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]
    method: str = ""


@dataclass(frozen=True)
class ModelMetadata:
    """What a loaded version says of itself.

    Args:
        model: Its name.
        version: Its number.
        signatures: Its entries, by name.
    """

    model: str
    version: int
    signatures: dict[str, Signature]


@dataclass(frozen=True)
class VersionStatus:
    """What has become of a version.

    Args:
        version: Its number.
        state: ``START``, ``LOADING``, ``AVAILABLE``, ``UNLOADING`` or ``END``.
        error: Why it could not be loaded; empty where nothing failed.
    """

    version: int
    state: str
    error: str = ""

    @property
    def is_available(self) -> bool:
        """Whether requests for it are answered."""
        return self.state == "AVAILABLE"


@dataclass(frozen=True, eq=False)
class Prediction:
    """A model's answer.

    Args:
        outputs: Arrays by the output's name.
        model: The model's name.
        version: The version that answered. Over REST, which does not say it: the one that was
            asked for, or ``None``.
    """

    outputs: dict[str, NDArray[Any]] = field(repr=False)
    model: str
    version: int | None

    @property
    def output(self) -> NDArray[Any]:
        """The only output.

        Raises:
            ValueError: There are several; the message lists them.
        """
        if len(self.outputs) != 1:
            received = ", ".join(sorted(self.outputs)) or "none"
            remedy = "Take one of .outputs by its name."
            raise value_error("output", received=received, expected="one output", remedy=remedy)
        return next(iter(self.outputs.values()))
