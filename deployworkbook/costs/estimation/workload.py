"""The workload: when requests arrive, how large they are, how often the model is updated."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.units import SECONDS_PER_MONTH, check_quantity
from deployworkbook.validation import check_array, value_error

Array = NDArray[np.float64]
Shape = tuple[float, ...]

# Shapes of a day, from midnight, and of a week, from Monday; only their proportions matter. They
# are assumptions: your own monitoring knows better.
FLAT_DAY: Shape = (1,) * 24
# fmt: off
OFFICE_DAY: Shape = (
    1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 19, 18, 15, 17, 19, 18, 15, 10, 6, 4, 3, 2, 1, 1,
)
EVENING_DAY: Shape = (
    4, 2, 1, 1, 1, 2, 3, 5, 6, 6, 6, 7, 8, 8, 7, 7, 8, 10, 13, 16, 18, 17, 12, 7,
)
# fmt: on
DAYS = {"flat": FLAT_DAY, "office": OFFICE_DAY, "evening": EVENING_DAY}
FLAT_WEEK: Shape = (1,) * 7
WORK_WEEK: Shape = (10, 11, 11, 10, 9, 3, 3)


@dataclass(frozen=True)
class Workload:
    """The requests that a deployment serves, and how often its model is updated.

    Args:
        requests_per_s: Mean request rate over the week. One request is one prediction.
        daily_shape: 24 proportions, from midnight.
        weekly_shape: 7 proportions, from Monday.
        request_bytes: Payload of a request.
        response_bytes: Payload of a response.
        latency_objective_ms: Time within which 99 of 100 requests must be answered, in the service.
        growth_share_per_month: Growth of the request rate: 0.05 for 5 % per month.
        updates_per_month: Number of versions rolled out.
        versions_kept: Number of model versions kept in storage, to roll back to.
        retrainings_per_month: Number of trainings, including failed attempts.
        training_hours: Duration of one training.
        training_data_bytes: Size of the stored training data.
        logged_share: Share of requests logged with their responses, for monitoring and retraining.
        logs_kept_months: Time for which logs are kept.

    Raises:
        TypeError: A field is not a number.
        ValueError: A field is NaN or out of range; the message names it.
    """

    requests_per_s: float
    daily_shape: Shape = FLAT_DAY
    weekly_shape: Shape = FLAT_WEEK
    request_bytes: float = 3200.0
    response_bytes: float = 250.0
    latency_objective_ms: float = 100.0
    growth_share_per_month: float = 0.0
    updates_per_month: float = 1.0
    versions_kept: int = 3
    retrainings_per_month: float = 2.0
    training_hours: float = 0.1
    training_data_bytes: float = 55e6
    logged_share: float = 0.01
    logs_kept_months: float = 3.0

    def __post_init__(self) -> None:
        for each in fields(self):
            if each.type in {"float", "int"}:
                check_quantity(each.name, each.name, getattr(self, each.name))
        for name, length in (("daily_shape", 24), ("weekly_shape", 7)):
            shape = check_array(name, getattr(self, name), ndim=1)
            if len(shape) != length or shape.min() < 0 or shape.sum() == 0:
                expected = f"{length} proportions of at least 0, not all 0"
                raise value_error(name, received=str(shape.tolist()), expected=expected)
            # Convert to a tuple, so that the workload is immutable and hashable.
            object.__setattr__(self, name, tuple(shape.tolist()))

    def hourly_ratios(self) -> Array:
        """Return each hour's rate as a multiple of the mean, shape ``[7, 24]``; their mean is 1."""
        day, week = np.asarray(self.daily_shape), np.asarray(self.weekly_shape)
        return np.outer(week / week.mean(), day / day.mean())

    @property
    def peak_ratio(self) -> float:
        """Busiest hour's rate as a multiple of the mean."""
        return float(self.hourly_ratios().max())

    def rate_per_s(self, month: int = 0) -> float:
        """Return the mean rate after some months of growth.

            λ(n) = λ(0) (1 + g)^n

        >>> round(Workload(100.0, growth_share_per_month=0.1).rate_per_s(2), 6)
        121.0
        """
        check_quantity("month", "month", month)
        grown = self.requests_per_s * (1 + self.growth_share_per_month) ** month
        return check_quantity("requests_per_s after the growth", "requests_per_s", grown)

    def requests_per_month(self, month: int = 0) -> float:
        """Return the number of requests in a month of 730 hours.

        >>> Workload(1.0).requests_per_month()
        2628000.0
        """
        return self.rate_per_s(month) * SECONDS_PER_MONTH
