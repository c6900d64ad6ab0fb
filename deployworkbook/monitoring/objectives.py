"""Alerts from a service-level objective: how fast failures use up the month's error budget.

An objective of 99.9 % allows 0.1 % of the requests to fail: the error budget. The burn rate says
how many times as many fail right now; at 1 the budget lasts exactly its period. Each alert looks at
two windows: the long one says that it matters, the short one that it is still going on.
"""

from __future__ import annotations

from dataclasses import dataclass

from deployworkbook.formulas.slo import BURN_ALERTS, BurnAlert, allowed_share
from deployworkbook.monitoring.counting import share
from deployworkbook.monitoring.rule_files import Alert, Group, Recording
from deployworkbook.validation import check_number, value_error

BURN = "ErrorBudgetBurns"
_REMEDY = (
    "See which model, version and error it is: the panels of requests by outcome, then the error "
    "report of the logs. If it began with a release, roll that back first."
)


@dataclass(frozen=True)
class Objective:
    """What share of the requests the server should not fail, and the counters that tell.

    Args:
        share: Such as 0.999, in (0, 1).
        failed: Counters of requests that the server failed.
        requests: Counters of all requests; the first one has to exist.

    Raises:
        ValueError: The share is out of range, or a list is empty.
    """

    share: float
    failed: tuple[str, ...]
    requests: tuple[str, ...]

    def __post_init__(self) -> None:
        check_number("share", self.share, 0, 1, open_low=True, open_high=True)
        for name in ("failed", "requests"):
            if not getattr(self, name):
                raise value_error(name, received="none", expected="at least one counter")


def window_of(hours: float) -> str:
    """Write a length of time for Prometheus, in its largest whole unit.

    Args:
        hours: The length, a whole number of seconds.

    >>> [window_of(hours) for hours in (4 / 3600, 5 / 60, 0.5, 6.0, 72.0)]
    ['4s', '5m', '30m', '6h', '3d']
    """
    seconds = round(3600 * hours)
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def ratio_name(window: str) -> str:
    """Name the recorded share of failures within a window.

    >>> ratio_name("5m")
    'job:requests_failed:ratio_5m'
    """
    return f"job:requests_failed:ratio_{window}"


def burn_groups(
    objective: Objective, alerts: tuple[BurnAlert, ...] = BURN_ALERTS
) -> tuple[Group, Group]:
    """Write the rules of an objective: recorded shares of failures, and alerts on burn rates.

        alert  if  failed share (long) > burn · budget  and  failed share (short) > burn · budget

    What the first alert needs is evaluated at the server's own interval, the rest once a minute,
    because windows of days are long to read. The slower alerts wait until there is as much history
    as their window is long: half an hour after the start, "three days" would be half an hour, and a
    spike of a minute would fill them.

    Args:
        objective: The objective.
        alerts: When to alert; the first one is the fastest.

    Returns:
        The quick group and the slow one.

    >>> quick, slow = burn_groups(Objective(0.999, ("bad",), ("all",)))
    >>> print(quick.rules[-1].query)
    job:requests_failed:ratio_1h > 0.0144 and job:requests_failed:ratio_5m > 0.0144
    """
    first, *others = alerts
    quick = _windows(first)
    windows = dict.fromkeys(window for each in others for window in _windows(each))
    return (
        Group(
            "error-budget-quick",
            (*(_recorded(objective, each) for each in quick), _alert(objective, first)),
        ),
        Group(
            "error-budget-slow",
            (
                *(_recorded(objective, each) for each in windows if each not in quick),
                *(_alert(objective, each, waits=True) for each in others),
            ),
            interval="1m",
        ),
    )


def _windows(alert: BurnAlert) -> tuple[str, str]:
    return window_of(alert.short_h), window_of(alert.long_h)


def _recorded(objective: Objective, window: str) -> Recording:
    query = share(objective.failed, objective.requests, window)
    return Recording(ratio_name(window), query)


def _alert(objective: Objective, alert: BurnAlert, *, waits: bool = False) -> Alert:
    limit = f"{alert.burn * allowed_share(objective.share):.10g}"
    short_window, long_window = _windows(alert)
    long, short = ratio_name(long_window), ratio_name(short_window)
    query = f"{long} > {limit} and {short} > {limit}"
    if waits:
        query += f" and on (job) sum by (job) ({objective.requests[0]} offset {long_window})"
    return Alert(
        BURN,
        query,
        f"{{{{ $value | humanizePercentage }}}} of the requests of the last {long_window} failed: "
        f"more than {alert.burn:g} times what an objective of {100 * objective.share:g} % "
        "allows.",
        _REMEDY,
        severity=alert.severity,
        labels={"burn_rate": f"{alert.burn:g}"},
    )
