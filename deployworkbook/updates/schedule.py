"""How often to retrain, by what updates cost and what waiting costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.retraining import (
    best_interval_days,
    mistakes_growth_usd,
    retraining_cost_usd,
)

Array = NDArray[np.float64]

# The plotted range around the optimum, to either side.
REACH = 10.0


@dataclass(frozen=True, eq=False)
class RetrainingSchedule:
    """The best interval between updates, and the cost around it. All of it is modelled.

    Args:
        best_days: Interval at which updates and mistakes together cost least.
        best_usd_per_day: What they cost then.
        interval_days: Intervals around it, for a plot, shape ``[n]``.
        updates_usd_per_day: What updates cost at each of these.
        waiting_usd_per_day: What mistakes cost that an update would have mended.
        remaining_usd_per_day: What mistakes cost that this update doesn't mend.
    """

    best_days: float
    best_usd_per_day: float
    interval_days: Array
    updates_usd_per_day: Array
    waiting_usd_per_day: Array
    remaining_usd_per_day: float

    @property
    def usd_per_day(self) -> Array:
        """The cost at each interval, shape ``[n]``."""
        return self.updates_usd_per_day + self.waiting_usd_per_day + self.remaining_usd_per_day


def retraining_schedule(
    *,
    update_usd: float,
    requests_per_day: float,
    usd_per_mistake: float,
    lost_per_day: float,
    remaining_share: float = 0.0,
) -> RetrainingSchedule:
    """Find how often to retrain a model that loses accuracy steadily.

    Args:
        update_usd: Cost of an update: labels, training, tests, and sending it; above 0.
        requests_per_day: Requests per day, above 0.
        usd_per_mistake: What a wrong answer costs, in USD, above 0.
        lost_per_day: Accuracy lost per day without updates, as a share, above 0: 0.001 is a tenth
            of a point.
        remaining_share: Share of the requests that are answered wrongly just after such an update,
            and not after the best one. It costs the same at every interval, and decides between
            ways of updating.

    Raises:
        ValueError: A number is out of range.

    >>> found = retraining_schedule(
    ...     update_usd=100, requests_per_day=10_000, usd_per_mistake=0.05, lost_per_day=0.001
    ... )
    >>> found.best_days, found.best_usd_per_day
    (20.0, 10.0)
    """
    growth = float(mistakes_growth_usd(requests_per_day, usd_per_mistake, lost_per_day))
    remaining = float(mistakes_growth_usd(requests_per_day, usd_per_mistake, remaining_share))
    best = float(best_interval_days(update_usd, growth))
    intervals = np.geomspace(best / REACH, best * REACH, 201)
    return RetrainingSchedule(
        best_days=best,
        best_usd_per_day=float(
            retraining_cost_usd(
                best, update_usd=update_usd, growth_usd=growth, remaining_usd=remaining
            )
        ),
        interval_days=intervals,
        updates_usd_per_day=retraining_cost_usd(intervals, update_usd=update_usd, growth_usd=0.0),
        waiting_usd_per_day=retraining_cost_usd(intervals, update_usd=0.0, growth_usd=growth),
        remaining_usd_per_day=remaining,
    )
