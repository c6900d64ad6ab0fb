"""A new version tried on a share of the requests, beside the one that has proved itself."""

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

# Of each version, the newest latencies that are kept.
_KEPT = 100_000

# Errors that the request is to blame for, whatever version it meets.
_OF_THE_REQUEST = (Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION, Code.OUT_OF_RANGE)


def arm_of(key: object, share: float, *, seed: int = 0) -> str:
    """Say which version a request goes to: the same for the same key, always and everywhere.

        canary  if  hash(seed, key) / 2⁶⁴ < share

    A larger share keeps all keys that the smaller one sent to the canary.

    Args:
        key: What stays together, such as a user's name.
        share: Of the requests that go to the canary, in [0, 1].
        seed: Another one draws another sample.

    >>> [arm_of(user, 0.5) for user in ("ann", "bob", "cy")]
    ['stable', 'canary', 'canary']
    """
    digest = hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest()
    return CANARY if int.from_bytes(digest, "big") < share * 2**64 else STABLE


class CanaryRouter:
    """Splits predictions between two versions, and keeps what is needed to compare them.

    Threads may share it, as far as they may share its client.

    Args:
        client: Asks the server.
        model: The model's name.
        stable: The version that has proved itself: its number or its label.
        canary: The version on trial, likewise.
        share: Of the requests that go to the canary, in [0, 1].
        seed: Of the split.
        fall_back: Whether the stable version answers where the canary fails: its users then see
            no error, and the error counts all the same.

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
            inputs: As the client's ``predict`` takes them.
            key: What stays with one version, such as a user; by default each request is on its
                own.
            labels: The right classes, where they are known: whole numbers, one an example. The
                most probable class of the only output is compared with them.
            signature: Which entry of the model.
            deadline_s: How long the call may take; a fall-back has as long again.

        Raises:
            RequestError: The stable version failed, or the canary did without a fall-back, or the
                request itself is wrong.
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
        """Count labels that came later than the predictions.

        Args:
            arm: ``stable`` or ``canary``; see ``arm_of``.
            correct: How many examples were classified rightly.
            examples: Of how many.

        Raises:
            ValueError: The arm is unknown.
        """
        check_choice("arm", arm, self._arms)
        with self._lock:
            self._arms[arm].correct += correct
            self._arms[arm].examples += examples

    def result(self, arm: str) -> ArmResult:
        """Give what was measured of a version.

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
        """Say whether to promote the canary, to roll it back, or to wait.

        Decide once, after a number of requests that was set beforehand. Who looks again and again
        and stops at the first verdict is wrong more often than the confidence says.

        Args:
            criteria: What the canary must keep; by default ``Criteria()``.
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
