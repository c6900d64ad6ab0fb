"""Clients of TensorFlow Serving's API: the same methods over gRPC and over REST.

``connect("127.0.0.1:8500")`` speaks gRPC, ``connect("http://127.0.0.1:8501")`` REST. They use what
TensorFlow Serving documents and nothing of the embedded server, and they import no TensorFlow.

Deadlines: each call has one, 10 s unless told otherwise; it covers all tries and look-ups.

Tries: a call is sent again where the server is not there or says that it is too busy
(UNAVAILABLE), up to five times, after waits that double, with jitter. Predictions and questions
change nothing at the server, so a second one does no harm even where the first did arrive. Nothing
is sent again after DEADLINE_EXCEEDED, since the first may still be running there; nor after any
other error, which a second try would meet too. A change of the server's models is sent once.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

from numpy.typing import ArrayLike, NDArray

from deployworkbook.serving.api.arrays import as_array
from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.api.types import (
    DEFAULT_SIGNATURE,
    ModelMetadata,
    ModelSpec,
    Prediction,
    Signature,
    VersionStatus,
)
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.client.remedies import Lookups, remedy_for
from deployworkbook.validation import check_encodable, check_number, describe, type_error

# The article's, in seconds.
DEFAULT_DEADLINE_S = 10.0

# What a look-up for an error's text may take.
LOOKUP_S = 1.0

Inputs = ArrayLike | Mapping[str, ArrayLike]
ClientType = TypeVar("ClientType", bound="Client")


class Client(ABC):
    """What both clients have in common; see ``connect`` for how to get one.

    Args:
        address: Where the server listens.
        deadline_s: How long a call may take, tries and look-ups included.
    """

    # Whether requests say the types of their inputs.
    has_types = True

    def __init__(self, address: str, *, deadline_s: float = DEFAULT_DEADLINE_S) -> None:
        self.address = address
        self.deadline_s = check_number("deadline_s", deadline_s, 0, open_low=True)
        self._known: dict[ModelSpec, Signature] = {}

    def predict(
        self,
        inputs: Inputs,
        *,
        model: str,
        version: int | None = None,
        label: str | None = None,
        signature: str | None = None,
        deadline_s: float | None = None,
    ) -> Prediction:
        """Ask a model for its outputs.

        Args:
            inputs: Arrays by the input's name; or one array, for a signature of one input, whose
                name is then looked up and kept.
            model: The model's name, as the server calls it.
            version: Which version; by default the newest that is loaded.
            label: A version's label instead.
            signature: Which entry of the model; by default ``serving_default``.
            deadline_s: How long this call may take; by default the client's.

        Raises:
            RequestError: It was not answered, or with an error; the text says what to do.
            TypeError: An input holds what no model takes.
            ValueError: An input is ragged or can't be written without loss, or there are both a
                version and a label.
        """
        spec = ModelSpec(model, version, label, signature or DEFAULT_SIGNATURE)
        until = self._until(deadline_s)
        arrays: dict[str, NDArray[Any]] = {}
        try:
            if isinstance(inputs, Mapping):
                for name in inputs:
                    _check_name(name)
                arrays = {name: self._array(name, value) for name, value in inputs.items()}
            else:
                array = self._array("inputs", inputs)
                arrays = {self._only_input(spec, until): array}
            return self._predict(spec, arrays, until)
        except RequestError as error:
            # What was looked up may be of a version that has gone.
            self._known.pop(spec, None)
            raise self._explained(error, spec, arrays) from error

    def metadata(
        self,
        model: str,
        *,
        version: int | None = None,
        label: str | None = None,
        deadline_s: float | None = None,
    ) -> ModelMetadata:
        """Ask what a model takes and gives.

        Args:
            model: The model's name.
            version: Which version; by default the newest that is loaded.
            label: A version's label instead.
            deadline_s: How long this call may take; by default the client's.

        Raises:
            RequestError: It was not answered, or with an error; the text says what to do.
        """
        spec = ModelSpec(model, version, label)
        try:
            return self._metadata(spec, self._until(deadline_s))
        except RequestError as error:
            raise self._explained(error, spec, {}) from error

    def status(
        self, model: str, *, version: int | None = None, deadline_s: float | None = None
    ) -> list[VersionStatus]:
        """Ask which versions of a model the server has, the newest first.

        Args:
            model: The model's name.
            version: One version; by default all, those that were unloaded too.
            deadline_s: How long this call may take; by default the client's.

        Raises:
            RequestError: It was not answered, or with an error; the text says what to do.
        """
        spec = ModelSpec(model, version)
        try:
            found = self._status(spec, self._until(deadline_s))
        except RequestError as error:
            raise self._explained(error, spec, {}) from error
        return sorted(found, key=lambda status: status.version, reverse=True)

    def _array(self, name: str, value: ArrayLike) -> NDArray[Any]:
        """Make an array of an input, in a type that the protocol carries."""
        return as_array(name, value)

    @abstractmethod
    def close(self) -> None:
        """Give up the connection; the client is of no use afterwards."""

    @abstractmethod
    def _predict(
        self, spec: ModelSpec, arrays: Mapping[str, NDArray[Any]], until: float
    ) -> Prediction: ...

    @abstractmethod
    def _metadata(self, spec: ModelSpec, until: float) -> ModelMetadata: ...

    @abstractmethod
    def _status(self, spec: ModelSpec, until: float) -> list[VersionStatus]: ...

    def _signature(self, spec: ModelSpec, until: float) -> Signature:
        """Look a signature up, once."""
        if spec not in self._known:
            signatures = self._metadata(spec, until).signatures
            if spec.signature not in signatures:
                said = f'Serving signature key "{spec.signature}" not found.'
                raise RequestError(Code.FAILED_PRECONDITION, said)
            self._known[spec] = signatures[spec.signature]
        return self._known[spec]

    def _only_input(self, spec: ModelSpec, until: float) -> str:
        inputs = self._signature(spec, until).inputs
        if len(inputs) != 1:
            said = f"one array was given, and the signature takes {len(inputs)} inputs"
            raise RequestError(Code.INVALID_ARGUMENT, said)
        return next(iter(inputs))

    def _until(self, deadline_s: float | None) -> float:
        seconds = self.deadline_s if deadline_s is None else deadline_s
        return time.monotonic() + check_number("deadline_s", seconds, 0, open_low=True)

    def _explained(
        self, error: RequestError, spec: ModelSpec, arrays: Mapping[str, NDArray[Any]]
    ) -> RequestError:
        def until() -> float:
            return time.monotonic() + LOOKUP_S

        lookups = Lookups(
            metadata=lambda other: self._metadata(other, until()),
            status=lambda other: self._status(other, until()),
            has_types=self.has_types,
        )
        return RequestError(error.code, error.said, remedy_for(error, spec, arrays, lookups))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address!r})"

    def __enter__(self: ClientType) -> ClientType:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise type_error("the name of an input", received=describe(name), expected="a text")
    check_encodable("the name of an input", name)


def seconds_left(until: float) -> float:
    """Say how long a call still has.

    Raises:
        RequestError: Nothing is left.
    """
    left = until - time.monotonic()
    if left <= 0:
        raise RequestError(Code.DEADLINE_EXCEEDED, "the deadline passed before it was answered")
    return left
