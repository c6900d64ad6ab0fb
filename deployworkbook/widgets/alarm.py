"""The alarm explorer: a lower threshold finds drift sooner, and cries wolf more often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.false_alarms import first_alarms
from deployworkbook.formulas.sequential import cusum
from deployworkbook.plots.alarm import AlarmResult, AlarmView, Trade
from deployworkbook.validation import check_array, value_error
from deployworkbook.widgets.controls import Choice, LogSlider, Slider, Stops
from deployworkbook.widgets.explorer import Explorer

Array = NDArray[np.float64]

STREAMS, LENGTH = 100, 10_000
# Of the streams with drift: images before it begins, and after.
BEFORE, AFTER = 500, 1000
CUSUM, WINDOW = "CUSUM", "mean of a window"
WINDOWS = (10, 20, 50, 100, 200, 500)
SLACK_STEP = 0.25
LOWEST, HIGHEST = 1.0, 40.0
THRESHOLDS = np.geomspace(LOWEST, HIGHEST, 60)
# Drawn at most up to here: most thresholds of interest are below.
TOP = 30.0


def window_means(values: Array, window: int) -> Array:
    """Return the mean of the last values at each step, in standard errors.

        z_t = (x_(t-w+1) + … + x_t) / √w

    Args:
        values: Standardised values, shape ``[s, n]``.
        window: w, at least 1; before there are so many, the missing ones count as 0.

    >>> window_means(np.array([[1.0, 1.0, 1.0, 5.0]]), 4)
    array([[0.5, 1. , 1.5, 4. ]])
    """
    total = np.cumsum(values, axis=1)
    total[:, window:] = total[:, window:] - total[:, :-window]
    return np.asarray(total / np.sqrt(window))


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a detector, with its setting, makes of the streams.

    Args:
        trade: What its thresholds trade.
        peaks: Highest statistic of each clean stream.
        paths: Statistic over streams with drift, shape ``[STREAMS, BEFORE + AFTER]``.
    """

    trade: Trade
    peaks: Array
    paths: Array

    def delays(self, threshold: float) -> Array:
        """Return how long after the drift's start each stream alarms."""
        return first_alarms(self.paths[:, BEFORE:], threshold)


class _Streams:
    """Clean streams and streams with drift, drawn once; detectors' results are kept."""

    def __init__(self, clean: Array, drifted: Mapping[str, Array]) -> None:
        generator = np.random.default_rng(0)
        self.clean = generator.choice(clean, (STREAMS, LENGTH))
        before = generator.choice(clean, (STREAMS, BEFORE))
        self.drifted = {
            name: np.concatenate([before, generator.choice(values, (STREAMS, AFTER))], axis=1)
            for name, values in drifted.items()
        }
        self.peaks = lru_cache(maxsize=64)(self._peaks)
        self.seen = lru_cache(maxsize=64)(self._seen)
        # A million values take longer than a redraw may: all of the sliders' steps in advance.
        for slack in np.arange(0.0, 1.0 + SLACK_STEP, SLACK_STEP).tolist():
            self.peaks(CUSUM, slack)
        for window in WINDOWS:
            self.peaks(WINDOW, window)

    def _statistic(self, values: Array, detector: str, setting: float) -> Array:
        if detector == CUSUM:
            return cusum(values, slack=setting)
        return window_means(values, int(setting))

    def _peaks(self, detector: str, setting: float) -> Array:
        return np.asarray(self._statistic(self.clean, detector, setting).max(axis=1))

    def _seen(self, detector: str, setting: float, drift: str) -> _Seen:
        peaks = self.peaks(detector, setting)
        paths = self._statistic(self.drifted[drift], detector, setting)
        highest = np.maximum.accumulate(paths[:, BEFORE:], axis=1)
        # The first place above a threshold, for all thresholds at once.
        steps = np.array([np.searchsorted(each, THRESHOLDS, "right") for each in highest]) + 1.0
        median = np.median(np.where(steps > AFTER, np.inf, steps), axis=0, overwrite_input=True)
        alarming = (peaks[:, None] > THRESHOLDS).mean(axis=0)
        return _Seen(Trade(_name(detector, setting), alarming, median), peaks, paths)


def compute_alarm(
    streams: _Streams,
    *,
    detector: str,
    drift: str,
    threshold: float,
    slack: float,
    window: int,
) -> AlarmResult:
    """Count a detector's false alarms, and how long it takes.

    Args:
        streams: Clean streams, and streams with drift.
        detector: ``CUSUM`` or ``WINDOW``.
        drift: Name of the drift.
        threshold: Threshold of the detector.
        slack: CUSUM's k.
        window: Images in the other detector's window.
    """
    settings: dict[str, float] = {CUSUM: slack, WINDOW: window}
    seen = {name: streams.seen(name, setting, drift) for name, setting in settings.items()}
    chosen = seen.pop(detector)
    (other,) = seen.values()
    delays = np.sort(chosen.delays(threshold))
    return AlarmResult(
        drift=drift,
        threshold=threshold,
        chosen=chosen.trade,
        other=other.trade,
        streams=STREAMS,
        length=LENGTH,
        false_alarms=float((chosen.peaks > threshold).mean()),
        delay=float(delays[STREAMS // 2]),
        slow_delay=float(delays[int(0.95 * STREAMS)]),
        path=chosen.paths[0],
        first=-BEFORE,
    )


def alarm_explorer(clean: ArrayLike, drifted: Mapping[str, ArrayLike]) -> Explorer[AlarmResult]:
    """Make the alarm explorer.

    Args:
        clean: Scores of held-out images without drift, standardised, such as ``normal_scores`` of
            how unsure the model is; shape ``[m]``, at least 100.
        drifted: Scores of images with drift, standardised likewise, by the drift's name; each of
            shape ``[n]``, at least 100.

    Raises:
        ValueError: There are too few scores, or no drift.
    """
    if not drifted:
        raise value_error("drifted", received="no drift", expected="scores by the drift's name")
    streams = _Streams(
        _scores("clean", clean), {name: _scores(name, each) for name, each in drifted.items()}
    )
    names = tuple(drifted)
    controls = [
        Choice("detector", "detector", (CUSUM, WINDOW), CUSUM),
        Choice("drift", "drift", names, names[0]),
        LogSlider("threshold", "threshold", LOWEST, HIGHEST, 40, 12.0),
        Slider("slack", "CUSUM's slack", 0.0, 1.0, SLACK_STEP, 0.5),
        Stops("window", "window", WINDOWS, 100, unit="images"),
    ]
    view = AlarmView(-BEFORE, AFTER, TOP)
    return Explorer(controls, partial(compute_alarm, streams), view)


def _scores(name: str, values: ArrayLike) -> Array:
    scores = check_array(name, values, ndim=1)
    if len(scores) < 100:
        raise value_error(name, received=f"{len(scores)} scores", expected="at least 100")
    return scores


def _name(detector: str, setting: float) -> str:
    if detector == CUSUM:
        return f"CUSUM with slack {setting:g}"
    return f"Mean of {setting:g} images"
