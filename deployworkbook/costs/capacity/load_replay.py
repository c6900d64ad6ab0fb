"""Replays of a load against a server: the interval in which its percentile is expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.replay import replayed_waits_s

Array = NDArray[np.float64]

# Numbers of replays from which a prediction's interval is taken, most and least, as a long load
# needs fewer; and the share that the interval leaves out.
DRAWS, LEAST_DRAWS, OUTSIDE = 100, 20, 0.05
DRAWN = 500_000


@dataclass(frozen=True, eq=False)
class LoadReplay:
    """A load's arrivals, and what is known of the server that meets them.

    Args:
        arrivals: Times of arrival in seconds, ascending, shape ``[requests]``.
        service: Service times of another load in their order, in seconds, shape ``[n]``.
        alone: Response times of requests that found the server idle, in seconds, shape ``[m]``.
        starts: Where among the service times each busy period begins, ascending from 0.
        servers: Number of requests that are processed at once.
        percentile: Between 0 and 1.
        longer: Factor by which services take longer at full load, at least 1.
    """

    arrivals: Array
    service: Array
    alone: Array
    starts: NDArray[np.int64]
    servers: int
    percentile: float
    longer: float

    def interval(self, generator: np.random.Generator) -> tuple[float, float]:
        """Return the ends of the predicted interval."""
        count, service = len(self.arrivals), self.service
        repeats = 1 + count // len(service)
        draws = max(LEAST_DRAWS, min(DRAWS, DRAWN // count))
        # The measured services are a sample themselves, so each draw is from a sample of them.
        single = [
            generator.choice(generator.choice(service, len(service)), count) for _ in range(draws)
        ]
        in_order = [
            np.tile(np.roll(service, -int(start)), repeats)[:count]
            for start in generator.integers(len(service), size=draws)
        ]
        in_periods = [self._whole_periods(count, generator) for _ in range(draws)]
        ends = (OUTSIDE / 2.0, 1.0 - OUTSIDE / 2.0)
        soonest = [self._soonest(times) for times in single]
        late = [soonest] if self._same_ends else [self._latest_of(single, generator)]
        late += [self._latest_of(times, generator) for times in (in_order, in_periods)]
        high = max(np.quantile(percentiles, ends[1]) for percentiles in late)
        return float(np.quantile(soonest, ends[0])), float(high)

    @property
    def _same_ends(self) -> bool:
        """Whether an idle server adds nothing, and full load slows nothing."""
        return self.alone is self.service and self.longer == 1.0

    def _latest_of(self, drawn: list[Array], generator: np.random.Generator) -> list[float]:
        return [self._latest(times, generator) for times in drawn]

    def _whole_periods(self, count: int, generator: np.random.Generator) -> Array:
        """Return service times of busy periods that are drawn whole."""
        sizes = np.diff(self.starts, append=len(self.service))
        # Some more than are needed on average, and singles where these are too few.
        picked = generator.integers(len(sizes), size=int(1.2 * count / sizes.mean()) + 10)
        drawn = sizes[picked]
        ends = np.cumsum(drawn)
        before = np.repeat(ends - drawn, drawn)
        within = np.arange(ends[-1]) - before
        times = self.service[np.repeat(self.starts[picked], drawn) + within][:count]
        return np.concatenate([times, generator.choice(self.service, count - len(times))])

    def _soonest(self, services: Array) -> float:
        """Return the percentile if what an idle server adds happens on the way to it."""
        way = max(0.0, float(self.alone.mean() - self.service.mean()))
        waits = replayed_waits_s(self.arrivals, services, servers=self.servers)
        return float(np.quantile(waits + services, self.percentile)) + way

    def _latest(self, services: Array, generator: np.random.Generator) -> float:
        """Return the percentile if what an idle server adds occupies it, at full load's pace."""
        if self._same_ends:
            return self._soonest(services)
        way = max(0.0, float(self.alone.mean() - self.service.mean()))
        slowed = services * self.longer
        sample = generator.choice(self.alone, len(self.alone))
        firsts = generator.choice(sample, len(services)) + slowed.mean() - services.mean()
        waits = replayed_waits_s(
            self.arrivals, slowed, servers=self.servers, first_services_s=firsts
        )
        responses = np.where(waits > 0, waits + slowed + way, firsts)
        return float(np.quantile(responses, self.percentile))
