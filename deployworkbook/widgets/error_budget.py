"""The error-budget explorer: traffic, an objective and errors, and which alert fires when."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.slo import (
    BURN_ALERTS,
    PERIOD_H,
    BurnAlert,
    allowed_share,
    burn_over_window,
    burn_rate,
    fires,
)
from deployworkbook.plots.error_budget import BudgetResult, BudgetView, Firing
from deployworkbook.widgets.controls import Choice, LogSlider
from deployworkbook.widgets.explorer import Explorer

Array = NDArray[np.float64]

OBJECTIVES = {"99 %": 0.99, "99.5 %": 0.995, "99.9 %": 0.999, "99.95 %": 0.9995, "99.99 %": 0.9999}
# Minutes without errors before, so that all windows are full, and after, until all alerts stop.
BEFORE = 72 * 60
LONGEST = 72 * 60
AFTER = 8 * 60


def compute_budget(
    *, rate_per_s: float, objective: str, error_share: float, minutes: float
) -> BudgetResult:
    """Let requests fail for a while, and evaluate the alerts each minute.

    Traffic is even, in whole requests: of those that come while errors last, the first fails, and
    then every (1 / share)-th.

    Args:
        rate_per_s: Requests per second, above 0.
        objective: A key of ``OBJECTIVES``.
        error_share: Share of the requests that fail, in (0, 1].
        minutes: For how long.

    >>> result = compute_budget(
    ...     rate_per_s=100.0, objective="99.9 %", error_share=0.02, minutes=120.0
    ... )
    >>> result.fired[0].begin  # 43.2 by the formula; evaluated once a minute
    44
    """
    share = OBJECTIVES[objective]
    during = max(1, round(minutes))
    seen = np.floor(60 * rate_per_s * np.arange(BEFORE + during + AFTER + 1) + 1e-9)
    # Requests since the errors began, as long as they last.
    exposed = np.clip(seen, seen[BEFORE], seen[BEFORE + during]) - seen[BEFORE]
    failed = np.ceil(error_share * exposed - 1e-9)
    requests, errors = np.diff(seen), np.diff(failed)
    budget = allowed_share(share) * rate_per_s * PERIOD_H * 3600
    return BudgetResult(
        objective=share,
        error_share=error_share,
        minutes=during,
        requests_per_hour=3600 * rate_per_s,
        burn=float(burn_rate(error_share, share)),
        failed=int(failed[-1]),
        budget=budget,
        firings=tuple(
            _firing(each, errors, requests, share, failed / budget) for each in BURN_ALERTS
        ),
    )


def _firing(
    alert: BurnAlert, errors: Array, requests: Array, objective: float, spent: Array
) -> Firing:
    firing = np.flatnonzero(fires(alert, errors, requests, objective))
    over = burn_over_window(errors, requests, objective, steps=round(60 * alert.long_h))
    begin, end = (int(firing[0]) + 1, int(firing[-1]) + 1) if len(firing) else (None, None)
    return Firing(
        name=_name(alert),
        burn=alert.burn,
        over_window=over[BEFORE:],
        begin=None if begin is None else begin - BEFORE,
        end=None if end is None else end - BEFORE,
        spent=None if begin is None else float(spent[begin]),
    )


def budget_explorer() -> Explorer[BudgetResult]:
    """Make the error-budget explorer."""
    controls = [
        LogSlider("rate_per_s", "traffic", 0.001, 1000.0, 10, 10.0, unit="/s"),
        Choice("objective", "objective", tuple(OBJECTIVES), "99.9 %"),
        LogSlider("error_share", "share that fails", 0.0001, 1.0, 20, 0.02),
        LogSlider("minutes", "errors last", 1.0, float(LONGEST), 20, 120.0, unit="minutes"),
    ]
    names = tuple(_name(each) for each in BURN_ALERTS)
    return Explorer(controls, compute_budget, BudgetView(names, LONGEST + AFTER))


def _name(alert: BurnAlert) -> str:
    hours = alert.long_h
    window = f"{hours / 24:g} d" if hours >= 24 else f"{hours:g} h"
    return f"{alert.severity}: {alert.burn:g} over {window}"
