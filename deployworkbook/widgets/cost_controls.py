"""The controls that several explorers of costs share."""

from __future__ import annotations

import numpy as np

from deployworkbook.costs.estimate.workload import Workload
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.widgets.controls import LogSlider, Slider

RATE_LOW_PER_S, RATE_HIGH_PER_S = 0.1, 1e5
KB = 1000.0
KB_LOW, KB_HIGH = 0.1, 1000.0
KB_STEPS = 10  # a decade
MOST_UPDATES = 60
WAGE = "engineer_wage_usd_per_hour"
WAGE_LOW_USD, WAGE_HIGH_USD = 5.0, 200.0


def rate_slider(workload: Workload) -> LogSlider:
    """Make the slider of requests per second; it begins at the workload's, within its range."""
    rate = float(np.clip(workload.requests_per_s, RATE_LOW_PER_S, RATE_HIGH_PER_S))
    return LogSlider("requests_per_s", "requests", RATE_LOW_PER_S, RATE_HIGH_PER_S, 20, rate, "/s")


def size_slider(name: str, label: str, size_bytes: float) -> LogSlider:
    """Make the slider of a payload in KB of 1,000 bytes.

    A browser moves a slider to the nearest of its steps: the ends are such that it begins at one.
    """
    size = float(np.clip(size_bytes / KB, KB_LOW, KB_HIGH))
    steps_below = np.floor(np.log10(size / KB_LOW) * KB_STEPS + 1e-9)
    low = float(size / 10 ** (steps_below / KB_STEPS))
    return LogSlider(name, label, low, low * KB_HIGH / KB_LOW, KB_STEPS, size, "KB")


def updates_slider(workload: Workload) -> Slider:
    """Make the slider of versions rolled out in a month."""
    updates = round(min(workload.updates_per_month, MOST_UPDATES))
    return Slider("updates_per_month", "updates a month", 0, MOST_UPDATES, 1, updates)


def wage_slider(catalog: Catalog) -> Slider:
    """Make the slider of what an engineer earns; it begins at the catalogue's."""
    wage = float(np.clip(catalog.value(WAGE), WAGE_LOW_USD, WAGE_HIGH_USD))
    return Slider("wage_usd_per_hour", "wage", WAGE_LOW_USD, WAGE_HIGH_USD, 0.5, wage, "USD/h")
