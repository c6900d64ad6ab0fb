"""Battery life: a device that sleeps, wakes, does its task and sleeps again."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array

Array = NDArray[np.float64]

SECONDS_PER_HOUR = 3600.0
HOURS_PER_YEAR = 8766.0  # 365.25 days


def task_energy_mj(seconds: ArrayLike, *, active_ma: ArrayLike, supply_volts: ArrayLike) -> Array:
    """Return the energy of a task: what a chip draws while it computes.

        E = U I t

    Args:
        seconds: t, how long the task takes, at least 0; any shape.
        active_ma: I, current while the chip is active, at least 0.
        supply_volts: U, at least 0.

    Returns:
        Millijoules (milliamperes · volts · seconds), in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> # 100,000 cycles at 48 MHz, with 5 mA at 3 V: 31 millionths of a joule.
    >>> round(float(task_energy_mj(100_000 / 48e6, active_ma=5, supply_volts=3)), 5)
    0.03125
    """
    time = check_array("seconds", seconds, low=0)
    current = check_array("active_ma", active_ma, low=0)
    return np.asarray(check_array("supply_volts", supply_volts, low=0) * current * time)


def mean_power_mw(
    tasks_per_hour: ArrayLike, *, task_mj: ArrayLike, sleep_ua: ArrayLike, supply_volts: ArrayLike
) -> Array:
    """Return the mean power of a device that sleeps between its tasks.

        P = U I_s / 1000 + n E / 3600

    A task's energy comes on top of the sleep current, which always flows.

    Args:
        tasks_per_hour: n, at least 0; any shape.
        task_mj: E, energy of a task in millijoules, at least 0.
        sleep_ua: I_s, sleep current in microamperes, at least 0.
        supply_volts: U, at least 0.

    Returns:
        Milliwatts, in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> # 5 µA at 3 V are 0.015 mW; a task of 3.6 mJ per second is 3.6 mW.
    >>> round(float(mean_power_mw(3600, task_mj=3.6, sleep_ua=5, supply_volts=3)), 4)
    3.615
    """
    rate = check_array("tasks_per_hour", tasks_per_hour, low=0)
    energy = check_array("task_mj", task_mj, low=0)
    asleep = check_array("sleep_ua", sleep_ua, low=0)
    voltage = check_array("supply_volts", supply_volts, low=0)
    return np.asarray(voltage * asleep / 1000 + rate * energy / SECONDS_PER_HOUR)


def battery_energy_mj(capacity_mah: ArrayLike, cell_volts: ArrayLike) -> Array:
    """Return the energy of a full battery.

        W = 3600 Q U

    Args:
        capacity_mah: Q, charge in milliampere-hours, at least 0; any shape.
        cell_volts: U, nominal voltage, at least 0.

    Returns:
        Millijoules, in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> float(battery_energy_mj(225, 3))  # a coin cell: 2,430 joules
    2430000.0
    """
    charge = check_array("capacity_mah", capacity_mah, low=0)
    voltage = check_array("cell_volts", cell_volts, low=0)
    return np.asarray(SECONDS_PER_HOUR * charge * voltage)


def battery_life_h(
    power_mw: ArrayLike, *, battery_mj: ArrayLike, self_discharge_share_per_year: ArrayLike
) -> Array:
    """Return how long a battery lasts.

        T = W / (3600 P + s W / 8766)

    Each year a battery loses a share of its charge by itself, so that even an idle device has an
    end.

    Args:
        power_mw: P, mean power of the device, at least 0; any shape.
        battery_mj: W, energy of the full battery, above 0.
        self_discharge_share_per_year: s, share of the full charge that a year takes, at least 0.

    Returns:
        Hours, in the arguments' common shape; infinite where nothing is drawn or lost.

    Raises:
        ValueError: A number is out of range.

    >>> # A coin cell and a mean of 0.1 mW: 281 days without its own loss, 279 with 1 % a year.
    >>> hours = battery_life_h(0.1, battery_mj=2.43e6, self_discharge_share_per_year=[0, 0.01])
    >>> (hours / 24).round(1).tolist()
    [281.2, 279.1]
    """
    power = check_array("power_mw", power_mw, low=0)
    energy = check_array("battery_mj", battery_mj, low=0, open_low=True)
    lost = check_array("self_discharge_share_per_year", self_discharge_share_per_year, low=0)
    drain = SECONDS_PER_HOUR * power + lost * energy / HOURS_PER_YEAR
    with np.errstate(divide="ignore"):
        return np.asarray(energy / drain)
