"""Inputs of the estimate: each can be replaced, and errors name values out of range."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.inputs import NUMERIC, changed, gather, profile_inputs
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.parts import month_of
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.catalog_file import load_catalog

SMALL = Profile("int8", "litert", 0.004, 0.1, 0.9773, 105_920, 92_879, 190e6)
CATALOG = load_catalog()
# An estimate takes milliseconds, and more on a busy machine.
SOME = settings(max_examples=50)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda p: Workload(-1.0), "requests_per_s"),
        (lambda p: Workload(float("nan")), "requests_per_s"),
        (lambda p: Workload(1e10), "requests_per_s"),
        (lambda p: Workload(1.0, latency_objective_ms=0), "latency_objective_ms"),
        (lambda p: Workload(1.0, logged_share=30), "logged_share"),
        (lambda p: Workload(1.0, versions_kept=0), "versions_kept"),
        (lambda p: Workload(1.0, daily_shape=(1.0,) * 23), "daily_shape"),
        (lambda p: Workload(1.0, weekly_shape=(0.0,) * 7), "weekly_shape"),
        (lambda p: Workload(1.0, daily_shape=(-1.0,) * 24), "daily_shape"),
        (lambda p: replace(p, service_ms=0.0), "service_ms"),
        (lambda p: replace(p, service_ms=float("nan")), "service_ms"),
        (lambda p: replace(p, accuracy_share=97.7), "accuracy_share"),
        (lambda p: replace(p, kind="guessed"), "kind"),
        (lambda p: Deployment(p, spot_share=1.5), "spot_share"),
        (lambda p: Deployment(p, replicas=0), "replicas"),
        (lambda p: Deployment(p, regions=0), "regions"),
        (lambda p: Deployment(p, measured_speed_ratio=0.0), "measured_speed_ratio"),
        (lambda p: estimate(Workload(1.0), Deployment(p, machine="none")), "machine"),
        (lambda p: estimate(Workload(1.0), Deployment(p, storage="tape")), "storage"),
        (lambda p: estimate(Workload(1.0), Deployment(p, devices=3)), "devices"),
        (
            lambda p: estimate(Workload(1.0), Deployment(p, machine="raspberry-pi-5-4gb")),
            "devices",
        ),
        (
            lambda p: estimate(Workload(1.0), Deployment(p, training_machine="raspberry-pi-5-4gb")),
            "training_machine",
        ),
        (
            lambda p: estimate(Workload(1.0), Deployment(replace(p, memory_bytes=1e12))),
            "memory_bytes",
        ),
        (
            lambda p: estimate(Workload(1.0), Deployment(replace(p, service_ms=99.0))),
            "latency_objective_ms",
        ),
        (
            lambda p: estimate(
                Workload(1e5), Deployment(p, machine="raspberry-pi-zero-2-w", devices=1)
            ),
            "devices: .*enough that each is at most 60% busy",
        ),
        (
            lambda p: estimate(
                Workload(1.0, latency_objective_ms=0.001),
                Deployment(p, machine="raspberry-pi-zero-2-w", devices=1),
            ),
            "latency_objective_ms",
        ),
        (lambda p: estimate(Workload(1.0), Deployment(p), values={"wage": 1}), "wage_ratio"),
        (
            lambda p: estimate(Workload(1.0), Deployment(p), values={"wage_ratio": -1}),
            "wage_ratio",
        ),
        (
            lambda p: estimate(
                Workload(1.0), Deployment(p), values={"machine_usd_per_hour": float("nan")}
            ),
            "machine_usd_per_hour",
        ),
        (lambda p: estimate(Workload(1.0), Deployment(p), month=-1), "month"),
        (
            lambda p: estimate(Workload(1e8, growth_share_per_month=1.0), Deployment(p), month=9),
            "requests_per_s",
        ),
    ],
)
def test_values_out_of_range_are_refused_by_name(int8, make, name):
    with pytest.raises((ValueError, TypeError), match=name):
        make(int8)


def test_times_measured_on_a_quick_core_are_longer_on_the_reference_core():
    # 0.004 ms on a core of twice the speed
    assert profile_inputs(SMALL, 2.0)["service_s"] == pytest.approx(0.000_008)


def test_a_deployment_needs_a_profile():
    with pytest.raises(TypeError, match="profile"):
        Deployment("int8")


def test_an_amount_too_large_for_cents_is_refused(int8):
    with pytest.raises(ValueError, match="below 1e\\+12 USD"):
        estimate(
            Workload(1e8, response_bytes=1e9),
            Deployment(int8, replicas=1, server_overhead_ms=0.0),
        )


def test_arrays_equal_single_numbers(int8):
    inputs = gather(Workload(50.0), Deployment(int8, regions=2), CATALOG)
    rates = np.array([0.0, 10.0, 1e3, 2e4])
    wages = np.array([1.0, 1.5, 0.5, 2.0])
    together = month_of(changed(inputs, {"requests_per_s": rates, "wage_ratio": wages})).cost_usd
    alone = [
        float(month_of(changed(inputs, {"requests_per_s": r, "wage_ratio": w})).cost_usd)
        for r, w in zip(rates, wages, strict=True)
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


def test_every_input_can_be_replaced(int8):
    inputs = gather(Workload(50.0), Deployment(int8, replicas=3, function_mib=512), CATALOG)
    for name in NUMERIC:
        value = float(np.asarray(getattr(inputs, name)))
        assert float(month_of(changed(inputs, {name: value})).cost_usd) > 0


ANY = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(10**30), 10**30),
    st.sampled_from([None, "1", True, [1.0]]),
)


@given(st.sampled_from([each.name for each in fields(Workload)]), ANY)
def test_a_workload_accepts_a_value_or_names_its_field(name, value):
    try:
        workload = Workload(**{"requests_per_s": 1.0, name: value})
    except (ValueError, TypeError) as error:
        said = str(error)
    else:
        said = name
        assert np.isfinite(getattr(workload, name)).all()
    assert name in said


@given(
    st.sampled_from([each.name for each in fields(Deployment) if each.type in {"int", "float"}]),
    ANY,
)
def test_a_deployment_accepts_a_value_or_names_its_field(name, value):
    try:
        deployment = Deployment(SMALL, **{name: value})
    except (ValueError, TypeError) as error:
        said = str(error)
    else:
        said = name
        assert np.isfinite(getattr(deployment, name))
    assert name in said


@SOME
@given(st.dictionaries(st.sampled_from(NUMERIC), st.floats(0, 1e6), max_size=4))
def test_any_estimate_is_finite_or_explains_why_not(values):
    try:
        found = estimate(Workload(10.0), Deployment(SMALL, replicas=2), values=values)
    except ValueError as error:
        said = str(error)
    else:
        said = "as expected"
        assert found.total_usd_per_month >= 0
        assert sum(part.cost_usd for part in found.parts) == found.total_usd_per_month
    assert "expected" in said


def test_a_billion_cores_are_refused_before_computing():
    with pytest.raises(ValueError, match=r"machine_servers: .*10000"):
        estimate(Workload(10.0), Deployment(SMALL), values={"machine_servers": 1e9})
