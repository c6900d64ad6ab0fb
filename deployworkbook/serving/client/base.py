"""Clients of TensorFlow Serving's API, with the same methods over gRPC and REST.

``connect("127.0.0.1:8500")`` uses gRPC, ``connect("http://127.0.0.1:8501")`` REST. Both rely only
on what TensorFlow Serving documents, and neither imports TensorFlow.

Deadlines: each call has one, 10 s by default. It covers all attempts and look-ups.

Retries: if the server can't be reached or is too busy (UNAVAILABLE), a call is sent up to five
times, after waits that double, with jitter. Predictions and queries change nothing on the server,
so a repeated one does no harm even if the first arrived. After DEADLINE_EXCEEDED nothing is
repeated, because the first call may still be running; nor after any other error, because it would
occur again. A change of the server's models is sent once.
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

# In seconds, as in the article that lesson 10 follows.
DEFAULT_DEADLINE_S = 10.0

# How long a look-up for an error message may take.
LOOKUP_S = 1.0

Inputs = ArrayLike | Mapping[str, ArrayLike]
ClientType = TypeVar("ClientType", bound="Client")


class Client(ABC):
    """What both clients share; ``connect`` makes one.

    Args:
        address: The server's address.
        deadline_s: How long a call may take, including retries and look-ups.
    """

    # Whether requests state the types of their inputs.
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
        """Ask a model for a prediction.

        Args:
            inputs: Arrays by input name. For a signature with one input, a single array: the name
                is then looked up and remembered.
            model: The model's name on the server.
            version: The version's number (default: the newest one loaded).
            label: A version's label, instead of its number.
            signature: The signature to call (default: ``serving_default``).
            deadline_s: How long this call may take (default: the client's deadline).

        Raises:
            RequestError: The server didn't answer, or answered with an error; the message says
                what to do.
            TypeError: No model takes values of this kind.
            ValueError: An input is ragged or can't be sent without loss, or both a version and a
                label are given.
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
            # The signature may have been looked up in a version that is gone.
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
        """Ask for a model's signatures.

        Args:
            model: The model's name.
            version: The version's number (default: the newest one loaded).
            label: A version's label, instead of its number.
            deadline_s: How long this call may take (default: the client's deadline).

        Raises:
            RequestError: The server didn't answer, or answered with an error; the message says
                what to do.
        """
        spec = ModelSpec(model, version, label)
        try:
            return self._metadata(spec, self._until(deadline_s))
        except RequestError as error:
            raise self._explained(error, spec, {}) from error

    def status(
        self, model: str, *, version: int | None = None, deadline_s: float | None = None
    ) -> list[VersionStatus]:
        """Ask which versions of a model the server has; list the newest first.

        Args:
            model: The model's name.
            version: One version (default: all, including unloaded ones).
            deadline_s: How long this call may take (default: the client's deadline).

        Raises:
            RequestError: The server didn't answer, or answered with an error; the message says
                what to do.
        """
        spec = ModelSpec(model, version)
        try:
            found = self._status(spec, self._until(deadline_s))
        except RequestError as error:
            raise self._explained(error, spec, {}) from error
        return sorted(found, key=lambda status: status.version, reverse=True)

    def _array(self, name: str, value: ArrayLike) -> NDArray[Any]:
        """Convert an input to an array of a type that the protocol carries."""
        return as_array(name, value)

    @abstractmethod
    def close(self) -> None:
        """Close the connection; the client can't be used afterwards."""

    @abstractmethod
    def _predict(
        self, spec: ModelSpec, arrays: Mapping[str, NDArray[Any]], until: float
    ) -> Prediction: ...

    @abstractmethod
    def _metadata(self, spec: ModelSpec, until: float) -> ModelMetadata: ...

    @abstractmethod
    def _status(self, spec: ModelSpec, until: float) -> list[VersionStatus]: ...

    def _signature(self, spec: ModelSpec, until: float) -> Signature:
        """Look up a signature once."""
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
    """Return how many seconds a call has left.

    Raises:
        RequestError: The deadline has passed.
    """
    left = until - time.monotonic()
    if left <= 0:
        raise RequestError(Code.DEADLINE_EXCEEDED, "the deadline passed before it was answered")
    return left
