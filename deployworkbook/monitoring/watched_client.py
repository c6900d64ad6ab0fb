"""A client whose predictions are counted by version, logged, and checked for drift."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.monitoring.drift_watch import DriftWatch
from deployworkbook.monitoring.exporter import Exporter
from deployworkbook.monitoring.outcomes import is_servers_fault
from deployworkbook.monitoring.records import RequestLog
from deployworkbook.serving.api.types import ModelMetadata, ModelSpec, Prediction, VersionStatus
from deployworkbook.serving.client.base import Client, Inputs
from deployworkbook.serving.client.errors import RequestError


class WatchedClient(Client):
    """Do what a client does, and watch it.

    A canary router takes it like any client, and its two versions are then told apart: the version
    that answers is in the answer. Over REST it is the version or label that was asked for.

    Args:
        client: The client; closed with this one.
        exporter: Counts requests, latencies and classes by version.
        log: Gets a record of each request.
        drift: Looks at inputs and outputs.
    """

    def __init__(
        self,
        client: Client,
        *,
        exporter: Exporter | None = None,
        log: RequestLog | None = None,
        drift: DriftWatch | None = None,
    ) -> None:
        super().__init__(client.address, deadline_s=client.deadline_s)
        self.has_types = client.has_types
        self._client = client
        self._exporter = exporter
        self._log = log
        self._drift = drift

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
        """Ask a model for a prediction; see ``Client.predict``.

        Args:
            inputs: Arrays by input name, or the array of the only input.
            model: The model's name on the server.
            version: The version's number.
            label: A version's label, instead of its number.
            signature: The signature to call.
            deadline_s: How long this call may take.
        """
        asked: dict[str, Any] = {"version": version, "label": label, "signature": signature}
        request_id = uuid.uuid4().hex[:16]
        started = time.perf_counter()
        try:
            found = self._client.predict(inputs, model=model, deadline_s=deadline_s, **asked)
        except RequestError as error:
            taken_s = time.perf_counter() - started
            named = label if version is None else version
            self._failed(request_id, model, "newest" if named is None else named, error, taken_s)
            raise
        taken_s = time.perf_counter() - started
        answered_by = found.version if found.version is not None else label or "newest"
        self._answered(request_id, model, answered_by, found, inputs, taken_s)
        return found

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _failed(
        self, request_id: str, model: str, version: int | str, error: RequestError, taken_s: float
    ) -> None:
        if self._exporter is not None:
            self._exporter.count(version, error.code.name)
        if self._log is not None:
            self._log.failed(
                error.code.name,
                error.said,
                is_ours=is_servers_fault(error.code),
                request_id=request_id,
                model=model,
                version=version,
                latency_ms=round(1000 * taken_s, 3),
            )

    def _answered(
        self,
        request_id: str,
        model: str,
        version: int | str,
        found: Prediction,
        inputs: Inputs,
        taken_s: float,
    ) -> None:
        scores = _probabilities(found)
        classes: list[int] = [] if scores is None else scores.argmax(axis=-1).tolist()
        confidences: list[float] = [] if scores is None else scores.max(axis=-1).tolist()
        if self._exporter is not None:
            self._exporter.count(
                version, "OK", latency_s=taken_s, classes=classes, confidences=confidences
            )
        if self._log is not None:
            self._log.answered(
                request_id=request_id,
                model=model,
                version=version,
                latency_ms=round(1000 * taken_s, 3),
                examples=len(classes),
            )
        if self._drift is not None and scores is not None:
            array = next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs
            self._drift.observe(np.asarray(array), scores)

    def _predict(
        self, spec: ModelSpec, arrays: Mapping[str, NDArray[Any]], until: float
    ) -> Prediction:
        return self._client._predict(spec, arrays, until)

    def _metadata(self, spec: ModelSpec, until: float) -> ModelMetadata:
        return self._client._metadata(spec, until)

    def _status(self, spec: ModelSpec, until: float) -> list[VersionStatus]:
        return self._client._status(spec, until)


def _probabilities(found: Prediction) -> NDArray[Any] | None:
    """Return the probabilities of an answer's classes, if that is what it holds."""
    if len(found.outputs) != 1:
        return None
    output = found.output
    return (
        output if output.ndim == 2 and output.shape[-1] > 1 and output.dtype.kind == "f" else None
    )
