"""Detectors at work on live traffic: they get batches of any size, and say what they found."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.label_free import (
    average_thresholded_confidence,
    confidence_based_accuracy,
    negative_entropy,
)
from deployworkbook.formulas.sequential import cusum
from deployworkbook.monitoring.detectors import SLACK, WINDOW
from deployworkbook.monitoring.exporter import Exporter
from deployworkbook.monitoring.profile import DOUBT, EMBEDDING, features_of
from deployworkbook.monitoring.thresholds import Calibrated
from deployworkbook.validation import check_integer

Array = NDArray[np.float64]

# Images that wait before they are looked at together: NumPy costs as much for one as for these.
TOGETHER = 20
_SCORE = "score"


@dataclass(frozen=True)
class Finding:
    """What a detector says now.

    Args:
        detector: Its name.
        statistic: The newest value; 0 before the first window is full.
        threshold: Above which it alarms.
        images: Images it has looked at.
        alarms: How often it went above its threshold.
        first_alarm: Images until the first alarm; ``None`` without one.
    """

    detector: str
    statistic: float
    threshold: float
    images: int
    alarms: int
    first_alarm: int | None


class DriftWatch:
    """Look at a stream of images and answers with calibrated detectors; threads may share it.

    Args:
        detectors: Detectors with their thresholds, as from ``calibrate``.
        exporter: Shows statistics, alarms and the estimated accuracy to Prometheus.
        certainty_threshold: A profile's, to estimate the accuracy by; without it, the estimate is
            the mean confidence, which is right only for a calibrated model.
        window: Answers that the estimated accuracy is of.
        together: Images that are looked at together; more cost less per image, and are noticed
            later.
    """

    def __init__(
        self,
        detectors: Sequence[Calibrated],
        *,
        exporter: Exporter | None = None,
        certainty_threshold: float | None = None,
        window: int = WINDOW,
        together: int = TOGETHER,
    ) -> None:
        self._watched = [_Watched(each) for each in detectors]
        self._exporter = exporter
        self._threshold = certainty_threshold
        self._window = check_integer("window", window, 1)
        self._together = check_integer("together", together, 1)
        self._waiting: list[dict[str, Array]] = []
        self._count = 0
        # How sure the model was of each of the newest answers.
        self._scores = np.empty(0)
        self._lock = threading.Lock()
        if exporter is not None:
            for each in detectors:
                exporter.expect(each.name, each.threshold)

    def observe(
        self, inputs: ArrayLike, outputs: ArrayLike, *, embeddings: ArrayLike | None = None
    ) -> None:
        """Take a batch of images and their answers.

        Args:
            inputs: The images, shape ``[n, ...]``.
            outputs: The probabilities of the classes, shape ``[n, classes]``.
            embeddings: What a hidden layer says of them, shape ``[n, d]``.

        Raises:
            ValueError: The numbers of images and answers differ.
        """
        features = features_of(inputs, outputs)
        features[_SCORE] = (
            1.0 - features[DOUBT] if self._threshold is None else negative_entropy(outputs)
        )
        if embeddings is not None:
            features[EMBEDDING] = np.asarray(embeddings, np.float64)
        with self._lock:
            self._waiting.append(features)
            self._count += len(features[DOUBT])
            if self._count >= self._together:
                self._look()

    def findings(self) -> tuple[Finding, ...]:
        """Return what each detector says, after all images so far."""
        with self._lock:
            self._look()
            return tuple(each.finding() for each in self._watched)

    def estimated_accuracy(self) -> float | None:
        """Estimate the accuracy of the newest answers from how sure the model was of them.

        It is right as long as being sure means the same as at release: not on images unlike any
        that the model has seen.

        Returns:
            From 0 to 1; ``None`` before the first answer.
        """
        with self._lock:
            self._look()
            return self._estimate() if len(self._scores) else None

    def _look(self) -> None:
        if not self._waiting:
            return
        names = set.intersection(*(set(each) for each in self._waiting))
        joined = {
            name: np.concatenate([each[name] for each in self._waiting]) for name in sorted(names)
        }
        self._waiting, self._count = [], 0
        self._scores = np.concatenate([self._scores, joined[_SCORE]])[-self._window :]
        for each in self._watched:
            if each.feature in joined:
                alarms = each.look(joined[each.feature])
                if self._exporter is not None:
                    self._exporter.show_drift(each.name, each.statistic, alarms=alarms)
        if self._exporter is not None:
            self._exporter.show_estimate(self._estimate())

    def _estimate(self) -> float:
        if self._threshold is None:
            return float(confidence_based_accuracy(self._scores))
        return float(average_thresholded_confidence(self._scores, self._threshold))


class _Watched:
    """A detector and what it has seen."""

    def __init__(self, calibrated: Calibrated) -> None:
        self._detector, self._threshold = calibrated.detector, calibrated.threshold
        self.name, self.feature = self._detector.name, self._detector.feature
        self.statistic = 0.0
        self._images = self._alarms = 0
        self._first: int | None = None
        self._rest: Array | None = None
        self._was_above = False

    def look(self, values: Array) -> int:
        """Take prepared values; return how often the statistic went above the threshold."""
        window = self._detector.window
        prepared = self._detector.prepare(values)
        if window == 1:
            path = cusum(prepared, slack=SLACK, start=self.statistic)
        else:
            if self._rest is not None:
                prepared = np.concatenate([self._rest, prepared])
            whole = len(prepared) // window * window
            self._rest = prepared[whole:]
            path = self._detector.path(prepared[None, :whole])[0] if whole else np.empty(0)
        if not len(path):
            return 0
        above = path > self._threshold
        risen = above & ~np.concatenate([[self._was_above], above[:-1]])
        if self._first is None and above.any():
            self._first = self._images + window * (int(above.argmax()) + 1)
        self._images += window * len(path)
        self._alarms += int(risen.sum())
        self._was_above = bool(above[-1])
        self.statistic = float(path[-1])
        return int(risen.sum())

    def finding(self) -> Finding:
        return Finding(
            self.name, self.statistic, self._threshold, self._images, self._alarms, self._first
        )
