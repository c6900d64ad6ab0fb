"""The formulas behind lines of a bill: balancers, commitments, functions, energy, devices."""

import numpy as np
import pytest

from deployworkbook.formulas.commitment import uncommitted_machines
from deployworkbook.formulas.energy import energy_kwh
from deployworkbook.formulas.load_balancer import capacity_units
from deployworkbook.formulas.roofline import device_time, roofline_time
from deployworkbook.formulas.serverless import billed_gib_s, cold_start_share, function_time_s

UNIT = {"unit_new_connections_per_s": 25, "unit_open_connections": 3000, "unit_gb_per_hour": 1}


def test_the_most_demanding_dimension_decides():
    loads = np.array([[50, 0, 0], [0, 9000, 0], [0, 0, 4]], float)
    assert capacity_units(*loads.T, **UNIT).tolist() == [2, 3, 4]
    assert float(capacity_units(0, 0, 0, 5e9, **UNIT)) == 0  # rules are free by default


def test_twice_the_load_needs_twice_the_units():
    once = capacity_units(30, 100, 0.5, **UNIT)
    assert capacity_units(60, 200, 1.0, **UNIT) == 2 * once


def test_machines_beyond_the_committed_ones_are_averaged_over_the_hours():
    machines, shares = np.array([1.0, 4.0, 10.0]), np.array([0.5, 0.3, 0.2])
    assert float(uncommitted_machines(machines, shares, 0)) == pytest.approx(machines @ shares)
    assert float(uncommitted_machines(machines, shares, 4)) == pytest.approx(6 * 0.2)
    assert float(uncommitted_machines(machines, shares, 10)) == 0


def test_memory_times_time_is_constant_below_a_whole_core():
    used = [float(billed_gib_s(function_time_s(0.5, m), m)) for m in (221.125, 442.25, 884.5)]
    np.testing.assert_allclose(used, 0.5 * 1769 / 1024, rtol=1e-3)
    assert float(function_time_s(0.5, 1769)) == float(function_time_s(0.5, 4000)) == 0.5


def test_cold_starts_fall_to_the_least_share_with_the_rate():
    shares = cold_start_share([0.0, 1e-3, 1.0], 600, least_share=0.005)
    assert shares[0] == 1
    assert shares[1] == pytest.approx(0.005 + 0.995 * np.exp(-0.6))
    assert shares[2] == pytest.approx(0.005)


def test_energy_lies_between_idle_and_full():
    power = {"idle_watts": 3.0, "full_watts": 9.0}
    drawn = energy_kwh(1000, [0.0, 0.25, 1.0, 7.0], **power)
    np.testing.assert_allclose(drawn, [3.0, 4.5, 9.0, 9.0])


def test_a_devices_time_is_the_roofline_after_its_start():
    limits = {"operations_per_s": 4.0, "bytes_per_s": 2.0}
    assert float(device_time(8, 10, call_s=1, **limits)) == 1 + roofline_time(8, 10, **limits)
    assert float(device_time(8, 10, operations_per_s=4, bytes_per_s=np.inf)) == 2


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: capacity_units(-1, 0, 0, **UNIT), "new_connections_per_s"),
        (lambda: capacity_units(1, 0, 0, **UNIT | {"unit_gb_per_hour": 0}), "unit_gb_per_hour"),
        (lambda: uncommitted_machines([-1.0], [1.0], 0), "machines"),
        (lambda: function_time_s(1.0, 0), "memory_mib"),
        (lambda: cold_start_share(1.0, 1.0, least_share=2), "least_share"),
        (lambda: billed_gib_s(-1.0, 128), "time_s"),
        (lambda: energy_kwh(1, 1, idle_watts=5, full_watts=3), "full_watts"),
        (lambda: device_time(1, 1, operations_per_s=0, bytes_per_s=1), "operations_per_s"),
    ],
)
def test_numbers_out_of_range_are_named(call, name):
    with pytest.raises(ValueError, match=name):
        call()
