"""Thresholds of detectors, calibrated so that few clean streams alarm.

A detector looks at a stream again and again, so its threshold must hold for the highest value of a
whole stream. Streams are drawn from held-out images. What will come is not exactly like these
either: they are a sample. So each few streams are drawn from another sample of them, as large as
they are, which makes the streams differ as much as another held-out set would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.false_alarms import clean_peaks, threshold_from_peaks
from deployworkbook.monitoring.detectors import WINDOW, Detector, detectors_of
from deployworkbook.monitoring.profile import Profile
from deployworkbook.validation import check_integer, check_number

Array = NDArray[np.float64]

FALSE_ALARMS = 0.01
STREAM_IMAGES = 10_000
STREAMS = 1000
# Streams drawn from one sample of the held-out images.
_PER_SAMPLE = 5


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A detector and the threshold above which it alarms.

    Args:
        detector: The detector.
        threshold: In the unit of its statistic.
    """

    detector: Detector
    threshold: float

    @property
    def name(self) -> str:
        """The detector's name."""
        return self.detector.name

    def first_alarm(self, values: Array) -> float:
        """Return after how many images of one stream the detector alarms.

        Args:
            values: The detector's feature, shape ``[n, ...]``.

        Returns:
            Images from 1; infinite without an alarm.
        """
        path = self.detector.path(self.detector.prepare(values)[None])[0]
        above = path > self.threshold
        return float((above.argmax() + 1) * self.detector.window) if above.any() else np.inf


def calibrate(
    profile: Profile,
    *,
    false_alarms: float = FALSE_ALARMS,
    stream_images: int = STREAM_IMAGES,
    streams: int = STREAMS,
    window: int = WINDOW,
    detectors: Sequence[str] = (),
    seed: int = 0,
) -> tuple[Calibrated, ...]:
    """Choose the thresholds of a profile's detectors by simulation.

    Args:
        profile: The reference profile.
        false_alarms: Share of clean streams in which a detector may alarm, in (0, 1).
        stream_images: Images per stream: how long that share is for.
        streams: Streams to simulate per detector, at least 1 / ``false_alarms``.
        window: Images per window.
        detectors: Names of the detectors to calibrate (default: all).
        seed: Seed of the random numbers.

    Returns:
        The detectors with their thresholds.

    Raises:
        ValueError: A number is out of range, or there are too few streams for that rate.

    >>> from deployworkbook.monitoring.profile import make_profile
    >>> generator = np.random.default_rng(0)
    >>> answers = generator.dirichlet(np.ones(10), 400)
    >>> profile = make_profile(generator.random((400, 4)), answers, model_sha256="ab")
    >>> few = {"stream_images": 200, "streams": 100, "window": 50}
    >>> [each.name for each in calibrate(profile, **few)]
    ['cusum', 'psi-doubt', 'ks-doubt', 'psi-brightness', 'chi2-classes']
    """
    check_number("false_alarms", false_alarms, 0, 1, open_low=True, open_high=True)
    length = check_integer("stream_images", stream_images, check_integer("window", window, 2))
    count = check_integer("streams", streams, 1)
    made = detectors_of(profile, window=window)
    return tuple(
        Calibrated(
            each,
            threshold_from_peaks(_peaks(each, profile, length, count, seed), false_alarms),
        )
        for each in made
        if not detectors or each.name in detectors
    )


def _peaks(detector: Detector, profile: Profile, length: int, streams: int, seed: int) -> Array:
    pool = detector.simulated(profile)
    generator = np.random.default_rng(seed)
    peaks: list[Array] = []
    for start in range(0, streams, _PER_SAMPLE):
        sample = pool[generator.integers(0, len(pool), len(pool))]
        peaks.append(
            clean_peaks(
                sample,
                detector.clean_path,
                length=length,
                streams=min(_PER_SAMPLE, streams - start),
                seed=int(generator.integers(2**31)),
            )
        )
    return np.concatenate(peaks)
