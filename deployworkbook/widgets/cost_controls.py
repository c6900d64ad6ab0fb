"""Controls shared by several cost explorers."""

from __future__ import annotations

import numpy as np

from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.widgets.controls import LogSlider, Slider

RATE_LOW_PER_S, RATE_HIGH_PER_S = 0.1, 1e5
KB = 1000.0
KB_LOW, KB_HIGH = 0.1, 1000.0
KB_STEPS = 10  # per decade
MOST_UPDATES = 60
WAGE = "engineer_wage_usd_per_hour"
WAGE_LOW_USD, WAGE_HIGH_USD = 5.0, 200.0


def rate_slider(workload: Workload) -> LogSlider:
    """Make the slider of requests per second, initially at the workload's, within its range."""
    rate = float(np.clip(workload.requests_per_s, RATE_LOW_PER_S, RATE_HIGH_PER_S))
    return LogSlider("requests_per_s", "requests", RATE_LOW_PER_S, RATE_HIGH_PER_S, 20, rate, "/s")


def size_slider(name: str, label: str, size_bytes: float) -> LogSlider:
    """Make the slider of a payload, in KB of 1,000 bytes, initially at the given size."""
    size = float(np.clip(size_bytes / KB, KB_LOW, KB_HIGH))
    return LogSlider(name, label, KB_LOW, KB_HIGH, KB_STEPS, size, "KB")


def updates_slider(workload: Workload) -> Slider:
    """Make the slider of versions rolled out per month."""
    updates = min(workload.updates_per_month, MOST_UPDATES)
    if updates == int(updates):
        updates = int(updates)
    return Slider("updates_per_month", "updates per month", 0, MOST_UPDATES, 1, updates)


def wage_slider(catalog: Catalog) -> Slider:
    """Make the slider of an engineer's wage, initially at the catalogue's."""
    wage = float(np.clip(catalog.value(WAGE), WAGE_LOW_USD, WAGE_HIGH_USD))
    return Slider("wage_usd_per_hour", "wage", WAGE_LOW_USD, WAGE_HIGH_USD, 0.5, wage, "USD/h")
