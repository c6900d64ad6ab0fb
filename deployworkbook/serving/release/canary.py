"""Try a new version on a share of the requests, beside the proven one."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.api.types import Prediction
from deployworkbook.serving.client.base import Client, Inputs
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.release.comparison import (
    ArmResult,
    CanaryComparison,
    Criteria,
    compare_canary,
)
from deployworkbook.validation import (
    check_choice,
    check_labels,
    check_number,
    check_same_shape,
    value_error,
)

STABLE, CANARY = "stable", "canary"

# How many of the latest latencies to keep per version.
_KEPT = 100_000

# Errors that are the request's fault, whichever version it reaches.
_OF_THE_REQUEST = (Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION, Code.OUT_OF_RANGE)


def arm_of(key: object, share: float, *, seed: int = 0) -> str:
    """Choose a request's version: always and everywhere the same one for the same key.

        canary  if  hash(seed, key) / 2⁶⁴ < share

    If the share grows, keys that went to the canary still do.

    Args:
        key: Requests with the same key stay together, such as a user's.
        share: Fraction of the requests for the canary, in [0, 1].
        seed: Another seed draws another sample.

    >>> [arm_of(user, 0.5) for user in ("ann", "bob", "cy")]
    ['stable', 'canary', 'canary']
    """
    digest = hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest()
    return CANARY if int.from_bytes(digest, "big") < share * 2**64 else STABLE


class CanaryRouter:
    """Split predictions between two versions, and record what is needed to compare them.

    Threads may share it if they may share its client.

    Args:
        client: A client of the server.
        model: The model's name.
        stable: The proven version: its number or label.
        canary: The version on trial: its number or label.
        share: Fraction of the requests for the canary, in [0, 1].
        seed: Random seed of the split.
        fall_back: Whether the stable version answers when the canary fails. Users then see no
            error, but it still counts.

    Raises:
        ValueError: The share is out of range, or both versions are the same.
    """

    def __init__(
        self,
        client: Client,
        model: str,
        *,
        stable: int | str = STABLE,
        canary: int | str = CANARY,
        share: float = 0.1,
        seed: int = 0,
        fall_back: bool = True,
    ) -> None:
        if stable == canary:
            expected = "two versions or labels"
            raise value_error("stable and canary", received=f"{stable}", expected=expected)
        self._client, self._model = client, model
        self._versions = {STABLE: stable, CANARY: canary}
        self.share = check_number("share", share, 0, 1)
        self._seed, self._fall_back = seed, fall_back
        self._arms = {name: _Arm() for name in self._versions}
        self._lock = threading.Lock()
        self._count = 0

    def predict(
        self,
        inputs: Inputs,
        *,
        key: object = None,
        labels: ArrayLike | None = None,
        signature: str | None = None,
        deadline_s: float | None = None,
    ) -> Prediction:
        """Ask one of the versions.

        Args:
            inputs: The inputs, as for the client's ``predict``.
            key: Requests with the same key get the same version, for example a user's (default:
                each request is assigned on its own).
            labels: The true classes, if known: one whole number per example. They are compared
                with the most probable class of the only output.
            signature: The signature to call.
            deadline_s: How long the call may take; a fall-back gets as long again.

        Raises:
            RequestError: The stable version failed, the canary failed without a fall-back, or the
                request itself is invalid.
        """
        with self._lock:
            self._count += 1
            chosen = arm_of(self._count if key is None else key, self.share, seed=self._seed)
        settings = {"signature": signature, "deadline_s": deadline_s}
        try:
            return self._ask(chosen, inputs, labels, settings)
        except RequestError as error:
            if chosen == STABLE or not self._fall_back or error.code in _OF_THE_REQUEST:
                raise
        return self._ask(STABLE, inputs, labels, settings)

    def observe(self, arm: str, *, correct: int, examples: int) -> None:
        """Add labels that arrived after the predictions.

        Args:
            arm: ``stable`` or ``canary``; see ``arm_of``.
            correct: How many examples were classified correctly.
            examples: How many examples there were.

        Raises:
            ValueError: The arm is unknown.
        """
        check_choice("arm", arm, self._arms)
        with self._lock:
            self._arms[arm].correct += correct
            self._arms[arm].examples += examples

    def result(self, arm: str) -> ArmResult:
        """Return the measurements of one version.

        Args:
            arm: ``stable`` or ``canary``.

        Raises:
            ValueError: The arm is unknown.
        """
        check_choice("arm", arm, self._arms)
        with self._lock:
            found = self._arms[arm]
            return ArmResult(
                requests=found.requests,
                errors=found.errors,
                correct=found.correct,
                examples=found.examples,
                latencies_ms=np.array(found.latencies_ms),
            )

    def compare(self, criteria: Criteria | None = None) -> CanaryComparison:
        """Decide whether to promote the canary, roll it back, or wait.

        Decide once, after a number of requests fixed beforehand. If you check repeatedly and stop
        at the first verdict, you are wrong more often than the confidence says.

        Args:
            criteria: How much worse the canary may be (default: ``Criteria()``).
        """
        return compare_canary(self.result(STABLE), self.result(CANARY), criteria or Criteria())

    def _ask(
        self, name: str, inputs: Inputs, labels: ArrayLike | None, settings: dict[str, Any]
    ) -> Prediction:
        arm, version = self._arms[name], self._versions[name]
        which: dict[str, Any] = {"label" if isinstance(version, str) else "version": version}
        started = time.perf_counter()
        try:
            found = self._client.predict(inputs, model=self._model, **which, **settings)
        except RequestError as error:
            if error.code not in _OF_THE_REQUEST:
                with self._lock:
                    arm.requests += 1
                    arm.errors += 1
            raise
        latency_ms = 1000 * (time.perf_counter() - started)
        right = examples = 0
        if labels is not None:
            classes = found.output.argmax(axis=-1)
            wanted = check_labels("labels", labels, found.output.shape[-1])
            check_same_shape("the predicted classes", classes, "labels", wanted)
            right, examples = int((classes == wanted).sum()), len(wanted)
        with self._lock:
            arm.requests += 1
            arm.latencies_ms.append(latency_ms)
            arm.correct += right
            arm.examples += examples
        return found


class _Arm:
    def __init__(self) -> None:
        self.requests = self.errors = self.correct = self.examples = 0
        self.latencies_ms: deque[float] = deque(maxlen=_KEPT)
