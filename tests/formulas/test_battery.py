"""Battery life: tasks, sleep, and what a battery loses by itself."""

import numpy as np
import pytest

from deployworkbook.formulas.battery import (
    battery_energy_mj,
    battery_life_h,
    mean_power_mw,
    task_energy_mj,
)


def test_a_battery_that_only_sleeps_lasts_its_charge_divided_by_the_current():
    # 225 mAh at 10 µA: 22,500 hours.
    power = mean_power_mw(0, task_mj=1, sleep_ua=10, supply_volts=3)
    hours = battery_life_h(
        power, battery_mj=battery_energy_mj(225, 3), self_discharge_share_per_year=0
    )
    assert float(hours) == pytest.approx(22_500)


def test_the_energy_of_a_life_is_the_batterys():
    tasks, power_self = 60.0, 0.03 * 2.43e6 / 8766
    power = mean_power_mw(tasks, task_mj=0.7, sleep_ua=5, supply_volts=3)
    hours = battery_life_h(power, battery_mj=2.43e6, self_discharge_share_per_year=0.03)
    used = hours * (3600 * 0.015 + tasks * 0.7 + power_self)
    assert float(used) == pytest.approx(2.43e6)


def test_an_idle_battery_ends_by_its_own_loss():
    years = battery_life_h(0, battery_mj=1e6, self_discharge_share_per_year=0.1) / 8766
    assert float(years) == pytest.approx(10)
    assert battery_life_h(0, battery_mj=1e6, self_discharge_share_per_year=0) == np.inf


def test_arguments_are_broadcast():
    power = mean_power_mw([[1], [10]], task_mj=[1.0, 2.0, 3.0], sleep_ua=0, supply_volts=3)
    np.testing.assert_allclose(3600 * power, [[1, 2, 3], [10, 20, 30]])
    energy = task_energy_mj([1.0, 2.0], active_ma=[[5.0], [10.0]], supply_volts=2)
    np.testing.assert_allclose(energy, [[10, 20], [20, 40]])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: task_energy_mj(-1, active_ma=1, supply_volts=1), "seconds"),
        (lambda: task_energy_mj(1, active_ma=1, supply_volts=-1), "supply_volts"),
        (lambda: mean_power_mw(1, task_mj=-1, sleep_ua=1, supply_volts=1), "task_mj"),
        (lambda: battery_energy_mj(-1, 3), "capacity_mah"),
        (
            lambda: battery_life_h(1, battery_mj=0, self_discharge_share_per_year=0),
            "battery_mj",
        ),
    ],
)
def test_numbers_out_of_range_are_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
