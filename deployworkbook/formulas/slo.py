"""Service-level objectives: the error budget, how fast it burns, and which alert sees it when.

An objective of 99.9 % over 30 days is a budget: one request in a thousand may fail. The burn rate
says how many times too fast the budget is spent. An alert looks at two windows: the long one must
have burnt enough to matter, and the short one says that it still does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.distributions import check_unit
from deployworkbook.validation import (
    check_array,
    check_integer,
    check_number,
    check_same_shape,
    value_error,
)

Array = NDArray[np.float64]

PERIOD_H = 30 * 24.0


@dataclass(frozen=True)
class BurnAlert:
    """An alert on the burn rate over two windows.

    Args:
        burn: Burn rate above which both windows must be, above 0.
        long_h: Long window, in hours.
        short_h: Short window, in hours, shorter than the long one.
        severity: "page" to wake somebody, "ticket" for the next working day.

    >>> round(BurnAlert(14.4, 1.0, 1 / 12, "page").budget_share(), 4)
    0.02
    """

    burn: float
    long_h: float
    short_h: float
    severity: str

    def __post_init__(self) -> None:
        check_number("burn", self.burn, 0, open_low=True)
        check_number("long_h", self.long_h, 0, open_low=True)
        check_number("short_h", self.short_h, 0, self.long_h, open_low=True, open_high=True)

    def budget_share(self, period_h: float = PERIOD_H) -> float:
        """Return how much of the period's budget is spent when it fires: burn · long / period.

        Args:
            period_h: Period of the objective, in hours.
        """
        return self.burn * self.long_h / check_number("period_h", period_h, 0, open_low=True)


# The Google SRE workbook's table 5-8 and its text: 2, 5, 10 and 10 % of a month's budget.
BURN_ALERTS = (
    BurnAlert(14.4, 1.0, 5 / 60, "page"),
    BurnAlert(6.0, 6.0, 0.5, "page"),
    BurnAlert(3.0, 24.0, 2.0, "ticket"),
    BurnAlert(1.0, 72.0, 6.0, "ticket"),
)


def burn_rate(error_share: ArrayLike, objective: float) -> Array:
    """Return how many times too fast the budget is spent.

        burn = error share / (1 - objective)

    At 1, the budget lasts exactly for the period.

    Args:
        error_share: Share of failed requests, in 0 … 1, any shape.
        objective: Share of requests that must succeed, in (0, 1), such as 0.999.

    Returns:
        The shape of ``error_share``.

    Raises:
        ValueError: A number is out of range.

    Source: B. Beyer et al. (editors), "The Site Reliability Workbook", 2018, chapter 5.

    >>> float(burn_rate(0.02, 0.999).round(6))  # 2 % fail, 0.1 % may
    20.0
    """
    return np.asarray(check_unit("error_share", error_share) / allowed_share(objective))


def budget_left(errors: float, requests: float, objective: float) -> float:
    """Return which share of the error budget is left.

        1 - errors / ((1 - objective) · requests)

    Args:
        errors: Failed requests in the period so far, at least 0.
        requests: Requests that the budget is for, at least ``errors``: those so far, or those that
            are expected in the whole period.
        objective: Share of requests that must succeed, in (0, 1).

    Returns:
        1 with no errors; below 0 once more has failed than may. 1 without requests.

    Raises:
        ValueError: A number is out of range.

    Source: as in ``burn_rate``.

    >>> round(budget_left(250, 1_000_000, 0.999), 4)  # 1,000 may fail
    0.75
    """
    total = check_number("requests", requests, 0)
    failed = check_number("errors", errors, 0, total)
    allowed = allowed_share(objective) * total
    return 1.0 - failed / allowed if total > 0 else 1.0


def hours_until_spent(burn: float, *, left: float = 1.0, period_h: float = PERIOD_H) -> float:
    """Return how long the budget lasts at a burn rate.

        left · period / burn

    Args:
        burn: Burn rate, at least 0.
        left: Share of the budget that is left, in 0 … 1.
        period_h: Period of the objective, in hours, above 0.

    Returns:
        Hours; infinite at a burn rate of 0.

    Raises:
        ValueError: A number is out of range.

    Source: as in ``burn_rate``.

    >>> hours_until_spent(20.0)  # a day and a half of a month
    36.0
    """
    rate = check_number("burn", burn, 0)
    hours = check_number("left", left, 0, 1) * check_number("period_h", period_h, 0, open_low=True)
    return hours / rate if rate > 0 else np.inf


def minutes_until_fires(alert: BurnAlert, burn: float) -> float:
    """Return how long after errors begin an alert fires, with even traffic and none before.

        long · alert's burn / burn

    Errors of s minutes in a window of w are diluted to s / w of it.

    Args:
        alert: Alert.
        burn: Burn rate since the errors began, at least 0.

    Returns:
        Minutes; infinite if the burn rate is too low for this alert. The alert's short window
        never waits longer than the long one.

    Raises:
        ValueError: The burn rate is negative.

    Source: as in ``burn_rate``.

    >>> round(minutes_until_fires(BURN_ALERTS[0], 20.0), 1)
    43.2
    """
    rate = check_number("burn", burn, 0)
    return 60.0 * alert.long_h * alert.burn / rate if rate > alert.burn else np.inf


def minutes_until_stops(alert: BurnAlert, burn: float) -> float:
    """Return how long after errors end an alert goes, with even traffic.

        short · (1 - alert's burn / burn)

    Args:
        alert: Alert, which has been firing for at least its short window.
        burn: Burn rate until the errors ended, above the alert's.

    Returns:
        Minutes. By the long window alone, it would take hours.

    Raises:
        ValueError: At that burn rate the alert doesn't fire.

    Source: as in ``burn_rate``.

    >>> round(minutes_until_stops(BURN_ALERTS[0], 20.0), 2)  # 5 · (1 - 14.4 / 20)
    1.4
    """
    rate = check_number("burn", burn, alert.burn, open_low=True)
    return 60.0 * alert.short_h * (1.0 - alert.burn / rate)


def burn_over_window(
    errors: ArrayLike, requests: ArrayLike, objective: float, *, steps: int
) -> Array:
    """Return the burn rate over a sliding window that ends at each step.

        Σ errors / Σ requests / (1 - objective)

    Args:
        errors: Failed requests per step, at least 0, shape ``[t]``.
        requests: Requests per step, at least ``errors``, shape ``[t]``.
        objective: Share of requests that must succeed, in (0, 1).
        steps: Length of the window, at least 1; it is shorter at the start.

    Returns:
        Shape ``[t]``; 0 where there are no requests.

    Raises:
        ValueError: The shapes differ, or a number is out of range.

    Source: as in ``burn_rate``.

    >>> burn_over_window([0, 2, 0], [10, 10, 10], 0.9, steps=2)
    array([0., 1., 1.])
    """
    failed = check_array("errors", errors, ndim=1, low=0)
    total = check_array("requests", requests, ndim=1, low=0)
    check_same_shape("errors", failed, "requests", total)
    if (failed > total).any():
        step = int(np.argmax(failed > total))
        raise value_error(
            "errors",
            received=f"{failed[step]:g} of {total[step]:g} requests at step {step}",
            expected="no more errors than requests",
        )
    allowed = allowed_share(objective)
    size = check_integer("steps", steps, 1)
    bad, seen = _sliding_sum(failed, size), _sliding_sum(total, size)
    return np.divide(bad, seen * allowed, out=np.zeros_like(bad), where=seen > 0)


def fires(
    alert: BurnAlert,
    errors: ArrayLike,
    requests: ArrayLike,
    objective: float,
    *,
    step_s: float = 60.0,
) -> NDArray[np.bool_]:
    """Return at which steps an alert fires: both windows burn faster than it allows.

    Args:
        alert: Alert.
        errors: Failed requests per step, at least 0, shape ``[t]``.
        requests: Requests per step, at least ``errors``, shape ``[t]``.
        objective: Share of requests that must succeed, in (0, 1).
        step_s: Length of a step, in seconds, above 0 and at most the short window.

    Returns:
        Shape ``[t]``.

    Raises:
        ValueError: The shapes differ, or a number is out of range.

    Source: as in ``burn_rate``.

    >>> errors = np.r_[np.zeros(60), np.full(50, 2)]  # per minute, of 100 requests
    >>> firing = fires(BURN_ALERTS[0], errors, np.full(110, 100), 0.999)
    >>> int(firing.argmax()) - 60 + 1  # minutes of errors: 43.2, rounded up
    44
    """
    step = check_number("step_s", step_s, 0, alert.short_h * 3600, open_low=True)
    long, short = (
        burn_over_window(errors, requests, objective, steps=round(hours * 3600 / step))
        for hours in (alert.long_h, alert.short_h)
    )
    return np.asarray((long > alert.burn) & (short > alert.burn))


def allowed_share(objective: float) -> float:
    """Return the share of requests that may fail: 1 - objective.

    Args:
        objective: Share of requests that must succeed, in (0, 1), such as 0.999.

    Raises:
        ValueError: It is not in (0, 1).

    >>> round(allowed_share(0.999), 6)
    0.001
    """
    return 1.0 - check_number("objective", objective, 0, 1, open_low=True, open_high=True)


def _sliding_sum(values: Array, size: int) -> Array:
    total = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(total))
    return np.asarray(total[ends] - total[np.maximum(ends - size, 0)])
