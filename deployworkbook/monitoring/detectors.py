"""Detectors of drift: each turns a stream of images into a path of one statistic.

All but CUSUM cut the stream into windows and compare each window with the reference.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.drift import bin_counts, population_stability_index, quantile_edges
from deployworkbook.formulas.drift_kernel import (
    discrepancy_of_members,
    gaussian_kernel,
    mean_discrepancy,
    median_width,
)
from deployworkbook.formulas.drift_tests import chi_squared_distance, kolmogorov_smirnov
from deployworkbook.formulas.sequential import cusum, normal_scores
from deployworkbook.monitoring.profile import (
    BRIGHTNESS,
    CLASSES,
    DOUBT,
    EMBEDDING,
    Profile,
)

Array = NDArray[np.float64]

WINDOW = 500
# Half of the rise in standard deviations that CUSUM finds soonest.
SLACK = 0.25


class Detector(ABC):
    """A statistic of a stream.

    Args:
        name: Its name in metrics and reports.
        feature: Which of the profile's features it looks at.
        window: Images per value of the statistic.
    """

    def __init__(self, name: str, feature: str, window: int) -> None:
        self.name = name
        self.feature = feature
        self.window = window

    def prepare(self, values: Array) -> Array:
        """Turn an image's feature into what streams are made of, image by image.

        Args:
            values: The feature, shape ``[n, ...]``.
        """
        return values

    @abstractmethod
    def path(self, streams: Array) -> Array:
        """Return the statistic after each window.

        Args:
            streams: Prepared values, shape ``[s, n, ...]``.

        Returns:
            Shape ``[s, n // window]``.
        """

    def simulated(self, profile: Profile) -> Array:
        """Return prepared values of held-out images, of which clean streams are drawn.

        Args:
            profile: The reference profile.
        """
        return self.prepare(profile.held_out(self.feature))

    def clean_path(self, streams: Array) -> Array:
        """Return the path of streams that are drawn from ``simulated``.

        Args:
            streams: Shape ``[s, n, ...]``.
        """
        return self.path(streams)

    def _windows(self, streams: Array) -> Array:
        count = streams.shape[1] // self.window
        whole = streams[:, : count * self.window]
        return whole.reshape(len(streams), count, self.window, *streams.shape[2:])


class Cusum(Detector):
    """The sum of how much more the model doubts than at release; a value after each image.

    Args:
        profile: The reference profile.
    """

    def __init__(self, profile: Profile) -> None:
        super().__init__("cusum", DOUBT, 1)
        self._reference = profile.reference(DOUBT)

    def prepare(self, values: Array) -> Array:
        """Replace doubts by normal scores.

        Args:
            values: Doubts, shape ``[n]``.
        """
        return normal_scores(values, self._reference)

    def path(self, streams: Array) -> Array:
        """Sum up.

        Args:
            streams: Normal scores, shape ``[s, n]``.
        """
        return cusum(streams, slack=SLACK)


class Stability(Detector):
    """The population stability index of a feature.

    Args:
        profile: The reference profile.
        feature: ``doubt`` or ``brightness``.
        window: Images per window.
    """

    def __init__(self, profile: Profile, feature: str, window: int) -> None:
        super().__init__(f"psi-{feature}", feature, window)
        known = profile.reference(feature)
        self._edges = quantile_edges(known)
        self._counts = bin_counts(known, self._edges)

    def path(self, streams: Array) -> Array:
        """Compare histograms.

        Args:
            streams: The feature, shape ``[s, n]``.
        """
        counts = bin_counts(self._windows(streams), self._edges)
        return population_stability_index(counts, self._counts)


class Distance(Detector):
    """The Kolmogorov–Smirnov distance of a feature's distribution.

    Args:
        profile: The reference profile.
        feature: ``doubt`` or ``brightness``.
        window: Images per window.
    """

    def __init__(self, profile: Profile, feature: str, window: int) -> None:
        super().__init__(f"ks-{feature}", feature, window)
        self._reference = profile.reference(feature)

    def path(self, streams: Array) -> Array:
        """Compare distributions.

        Args:
            streams: The feature, shape ``[s, n]``.
        """
        return kolmogorov_smirnov(self._windows(streams), self._reference)


class Classes(Detector):
    """χ² of how often each class is predicted.

    Args:
        profile: The reference profile.
        window: Images per window.
    """

    def __init__(self, profile: Profile, window: int) -> None:
        super().__init__("chi2-classes", CLASSES, window)
        self._edges = np.arange(profile.classes - 1.0)
        self._counts = bin_counts(profile.reference(CLASSES), self._edges)

    def path(self, streams: Array) -> Array:
        """Compare counts of classes.

        Args:
            streams: Predicted classes, shape ``[s, n]``.
        """
        return chi_squared_distance(bin_counts(self._windows(streams), self._edges), self._counts)


class Discrepancy(Detector):
    """The maximum mean discrepancy of embeddings.

    Args:
        profile: The reference profile, with embeddings.
        window: Images per window.
    """

    def __init__(self, profile: Profile, window: int) -> None:
        super().__init__("mmd-embedding", EMBEDDING, window)
        self._reference = profile.reference(EMBEDDING)
        self._width = median_width(self._reference)

    def path(self, streams: Array) -> Array:
        """Compare embeddings.

        Args:
            streams: Embeddings, shape ``[s, n, d]``.
        """
        return np.array(
            [
                [mean_discrepancy(w, self._reference, width=self._width) for w in windows]
                for windows in self._windows(streams)
            ]
        )

    def simulated(self, profile: Profile) -> Array:
        """Return places of held-out images; the kernel between all of them is computed once.

        Args:
            profile: The reference profile.
        """
        held_out = profile.held_out(EMBEDDING)
        pool = np.concatenate([self._reference, held_out])
        self._kernel = gaussian_kernel(pool, pool, width=self._width)
        np.fill_diagonal(self._kernel, 1.0)
        return np.arange(len(self._reference), len(pool), dtype=np.float64)

    def clean_path(self, streams: Array) -> Array:
        """Compare embeddings, by their places.

        Args:
            streams: Places, shape ``[s, n]``.
        """
        size = len(self._kernel)
        others = np.zeros(size)
        others[: len(self._reference)] = 1.0
        members = bin_counts(self._windows(streams), np.arange(size - 1.0))
        return discrepancy_of_members(self._kernel, members, others)


def detectors_of(profile: Profile, *, window: int = WINDOW) -> tuple[Detector, ...]:
    """Make the detectors that a profile has features for.

    Args:
        profile: The reference profile.
        window: Images per window.
    """
    found: list[Detector] = [
        Cusum(profile),
        Stability(profile, DOUBT, window),
        Distance(profile, DOUBT, window),
        Stability(profile, BRIGHTNESS, window),
        Classes(profile, window),
    ]
    if EMBEDDING in profile.features:
        found.append(Discrepancy(profile, window))
    return tuple(found)
