"""The estimate: each part by hand, sums, and monotonicity."""

import json
import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.costs.estimation.breakdown import KINDS
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.inputs import changed, gather
from deployworkbook.costs.estimation.machines import fleet
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.parts import month_of
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import EVENING_DAY, OFFICE_DAY, WORK_WEEK, Workload
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.units import GIB

SMALL = Profile("int8", "litert", 0.004, 0.1, 0.9773, 105_920, 92_879, 190e6)
RATES = st.floats(0, 2e4)
CATALOG = load_catalog()
# An estimate takes milliseconds, and more on a busy machine.
SOME = settings(max_examples=50)


def cents(breakdown, name):
    """Return a part's cost, as text."""
    (part,) = [part for part in breakdown.parts if part.name == name]
    return str(part.cost_usd)


@pytest.fixture
def cloud(int8):
    """100 requests/s in the cloud; each part is computed by hand below."""
    workload = Workload(
        100.0,
        request_bytes=3000,
        response_bytes=400,
        updates_per_month=2,
        versions_kept=5,
        retrainings_per_month=4,
        training_hours=0.5,
        training_data_bytes=50 * GIB,
        logged_share=0.1,
        logs_kept_months=6,
    )
    deployment = Deployment(
        replace(int8, model_bytes=2 * GIB),
        machine="c7g.large",
        replicas=4,
        spot_share=0.25,
        regions=2,
    )
    return estimate(workload, deployment)


def test_compute_by_hand(cloud):
    # 4 machines × 2 regions × 730 h = 5,840 h, three quarters on demand at 0.0725 USD.
    assert cents(cloud, "serving, on demand") == "317.55"  # 4,380 h × 0.0725
    # 1,460 h, 5 % more for interruptions, at 60 % less: 1,533 h × 0.029.
    assert cents(cloud, "serving, spot") == "44.46"  # 44.457
    assert cents(cloud, "training") == "0.36"  # 4 × 0.5 h × 0.1785 = 0.357


def test_storage_by_hand(cloud):
    assert cents(cloud, "model versions") == "0.46"  # 5 × 2 GiB × 2 regions × 0.023
    assert cents(cloud, "training data") == "1.15"  # 50 GiB × 0.023
    # 100/s × 2,628,000 s × 0.1 × 3,400 bytes × 6 months = 499.3 GiB, × 0.023
    assert cents(cloud, "logged requests") == "11.48"
    # 2 updates × 2 regions + 4 + 26,280,000 / 1000 objects = 26,288, × 0.005 / 1000
    assert cents(cloud, "writes") == "0.13"
    # 2 updates × 8 machines + 4 = 20 reads × 0.0004 / 1000
    assert cents(cloud, "reads") == "0.00"


def test_network_by_hand(cloud):
    # 262,800,000 × (400 + 600) bytes = 244.75 GiB: 100 free, 144.75 × 0.09
    assert cents(cloud, "answers to the internet") == "13.03"
    # An application balancer isn't charged for what it sends to another zone.
    assert "between zones" not in {part.name for part in cloud.parts}
    assert cents(cloud, "models to regions") == "0.08"  # 1 × 2 × 2 GiB × 0.02


def test_maintenance_by_hand(cloud):
    # An hour costs 69.50 / 0.702 = 99.003 USD.
    assert cents(cloud, "updates") == "792.02"  # 2 × 4 h
    assert cents(cloud, "retraining") == "2376.07"  # 4 × 6 h
    assert cents(cloud, "upkeep") == "990.03"  # 8 h + 2 h for the second region
    assert cents(cloud, "incidents") == "198.01"  # 0.5 × 4 h


def test_energy_by_hand(cloud):
    # 8 machines × 2 vCPUs × 5 W × 730 h; the cloud's price includes it.
    assert cloud.energy_kwh_per_month == pytest.approx(58.4)
    assert cloud.carbon_kg_per_month == pytest.approx(58.4 * 0.3901)
    assert not [part for part in cloud.parts if "energy" in part.name]


def test_the_edge_by_hand(int8):
    deployment = Deployment(int8, machine="raspberry-pi-5-4gb", devices=720)
    found = estimate(Workload(100.0, updates_per_month=3, logged_share=0), deployment)
    assert found.replicas_at_peak == 720
    assert cents(found, "devices, over their life") == "1200.00"  # 720 / 36 × 60
    assert cents(found, "devices, replaced") == "180.00"  # 720 × 0.05 / 12 = 3, × 60
    # Each is busy for 100 / 720 × 0.004 ms / 0.45 / 4 cores: 0.00003 %, so 720 × 3 W × 730 h =
    # 1,576.8 kWh, × 0.146
    assert cents(found, "energy of devices") == "230.21"
    # 720 × 3 × 92,879 bytes = 0.187 GiB: within the free 100.
    assert cents(found, "models to devices") == "0.00"
    assert cents(found, "supervision of devices") == "1425.64"  # 14.4 h × 99.003
    assert cents(found, "visits to devices") == "200.32"  # 3 × 1.5 h × 31.25 / 0.702
    names = {part.name for part in found.parts}
    assert not names & {"serving, on demand", "answers to the internet", "between zones"}


def test_a_large_roll_out_is_billed(int8):
    large = replace(int8, download_bytes=0.5 * GIB)
    deployment = Deployment(large, machine="raspberry-pi-5-4gb", devices=1000)
    found = estimate(Workload(1.0, updates_per_month=1), deployment)
    assert cents(found, "models to devices") == "36.00"  # (500 - 100) GiB × 0.09


def test_kinds_and_parts_sum_to_the_total(cloud):
    assert sum(cloud.by_kind_usd.values()) == cloud.total_usd_per_month
    assert sum(part.cost_usd for part in cloud.parts) == cloud.total_usd_per_month
    assert tuple(cloud.by_kind_usd) == KINDS
    assert cloud.total_usd_per_month.as_tuple().exponent == -2
    # 100/s × 2,628,000 s = 262.8 million
    expected = float(cloud.total_usd_per_month) / 262.8
    assert cloud.usd_per_million_predictions == pytest.approx(expected)


@SOME
@given(
    RATES,
    st.sampled_from([machine.name for machine in CATALOG.cloud()]),
    st.sampled_from(list(CATALOG.storage)),
    st.floats(0, 1),
    st.integers(1, 4),
    st.booleans(),
)
def test_parts_always_sum_to_the_total_to_the_cent(
    rate, machine, storage, spot_share, regions, autoscaling
):
    deployment = Deployment(
        SMALL,
        machine=machine,
        storage=storage,
        spot_share=spot_share,
        regions=regions,
        autoscaling=autoscaling,
    )
    workload = Workload(rate, daily_shape=OFFICE_DAY)
    found = estimate(workload, deployment)
    assert sum(part.cost_usd for part in found.parts) == found.total_usd_per_month
    assert sum(found.by_kind_usd.values()) == found.total_usd_per_month
    # Rounding moves each part by half a cent at the most.
    unrounded = float(month_of(gather(workload, deployment, CATALOG)).cost_usd)
    assert abs(float(found.total_usd_per_month) - unrounded) <= 0.005 * len(found.parts) + 1e-6


@SOME
@given(RATES, RATES)
def test_more_requests_never_cost_less(first, second):
    low, high = sorted([first, second])
    deployment = Deployment(SMALL)
    costs = [estimate(Workload(rate), deployment).total_usd_per_month for rate in (low, high)]
    assert costs[0] <= costs[1]


@pytest.mark.parametrize(
    "field",
    [
        "request_bytes",
        "response_bytes",
        "updates_per_month",
        "versions_kept",
        "retrainings_per_month",
        "training_hours",
        "training_data_bytes",
        "logged_share",
        "logs_kept_months",
    ],
)
def test_more_of_anything_never_costs_less(field):
    workload = Workload(500.0, training_data_bytes=1e9)
    value = getattr(workload, field)
    more = replace(workload, **{field: type(value)(value * 2)})
    deployment = Deployment(replace(SMALL, model_bytes=1e9), regions=2)
    before, after = (estimate(each, deployment).total_usd_per_month for each in (workload, more))
    assert before < after


@SOME
@given(st.floats(0.5, 90), st.floats(0.5, 90))
def test_a_looser_objective_never_needs_more_machines(first, second):
    tight, loose = sorted([first, second])
    slow = replace(SMALL, service_ms=0.2)
    counts = [
        estimate(
            Workload(3000.0, latency_objective_ms=10 + each), Deployment(slow)
        ).replicas_at_peak
        for each in (tight, loose)
    ]
    assert counts[0] >= counts[1]


def test_a_slower_model_needs_more_machines():
    counts = [
        estimate(Workload(2000.0), Deployment(replace(SMALL, service_ms=ms))).replicas_at_peak
        for ms in (0.1, 1.0, 5.0)
    ]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_autoscaling_pays_for_the_load_not_for_the_peak():
    workload = Workload(5000.0, daily_shape=OFFICE_DAY, weekly_shape=WORK_WEEK)
    fixed = estimate(workload, Deployment(SMALL))
    scaled = estimate(workload, Deployment(SMALL, autoscaling=True))
    assert fixed.replicas_mean == fixed.replicas_at_peak == scaled.replicas_at_peak
    assert scaled.replicas_mean < 0.6 * fixed.replicas_mean
    assert scaled.by_kind_usd["compute"] < fixed.by_kind_usd["compute"]
    assert scaled.by_kind_usd["network"] == fixed.by_kind_usd["network"]


def test_autoscaling_saves_nothing_on_a_flat_load():
    workload = Workload(5000.0)
    totals = {
        estimate(workload, Deployment(SMALL, autoscaling=each)).total_usd_per_month
        for each in (False, True)
    }
    assert len(totals) == 1


def test_the_peak_sets_the_machines_and_the_mean_sets_the_traffic():
    flat, peaked = Workload(3000.0), Workload(3000.0, daily_shape=EVENING_DAY)
    one, other = (estimate(each, Deployment(SMALL)) for each in (flat, peaked))
    assert one.predictions_per_month == other.predictions_per_month
    assert other.replicas_at_peak > one.replicas_at_peak
    assert one.by_kind_usd["network"] == other.by_kind_usd["network"]


def test_growth_compounds():
    workload = Workload(1000.0, growth_share_per_month=0.1)
    later = estimate(workload, Deployment(SMALL), month=12)
    grown = estimate(Workload(1000.0 * 1.1**12), Deployment(SMALL))
    assert later.total_usd_per_month == grown.total_usd_per_month


def test_too_few_replicas_are_reported(int8):
    slow = replace(int8, service_ms=5.0)
    found = estimate(Workload(2000.0), Deployment(slow, replicas=1))
    assert found.replicas_at_peak == 1
    assert found.replicas_needed > 1


def test_zero_requests_still_cost_people_and_machines(int8):
    found = estimate(Workload(0.0), Deployment(int8))
    assert found.usd_per_million_predictions is None
    assert found.replicas_at_peak == 2
    assert found.dominant == "maintenance"


def test_given_values_replace_inputs_and_are_listed(int8):
    workload, deployment = Workload(100.0), Deployment(int8)
    before = estimate(workload, deployment).by_kind_usd
    found = estimate(workload, deployment, values={"wage_ratio": 2.0, "compute_price_ratio": 3.0})
    assert found.by_kind_usd["maintenance"] == pytest.approx(
        2 * before["maintenance"], abs=Decimal("0.05")
    )
    assert found.by_kind_usd["compute"] == pytest.approx(3 * before["compute"], abs=Decimal("0.02"))
    assert "wage_ratio = 2.0 (yours)" in found.assumptions


def test_minimum_storage_is_billed(int8):
    found = estimate(Workload(1.0), Deployment(int8, storage="hdd", log_lines_per_request=0.0))
    # 125 GiB × 0.045 = 5.625 USD, shared by four parts that are rounded on their own.
    assert found.by_kind_usd["storage"] == pytest.approx(Decimal("5.625"), abs=Decimal("0.02"))
    assert any(part.name == "room paid for and not used" for part in found.parts)


def test_a_breakdown_can_be_written_as_json(cloud):
    read = json.loads(json.dumps(cloud.as_dict()))
    assert read["total_usd_per_month"] == float(cloud.total_usd_per_month)
    assert sum(read["by_kind_usd"].values()) == pytest.approx(read["total_usd_per_month"])
    assert read["profile"] == "measured"
    assert len(read["parts"]) == len(cloud.parts)


def test_only_used_assumptions_and_sources_are_listed(int8):
    edge = estimate(Workload(1.0), Deployment(int8, machine="raspberry-pi-5-4gb", devices=5))
    flat = estimate(Workload(1.0), Deployment(int8))
    assert any("device_life_months" in each for each in edge.assumptions)
    assert not any("device" in each for each in flat.assumptions)
    assert not any("spot" in each for each in flat.assumptions)
    assert any("2026-01-19" in each for each in flat.sources)
    assert any("Raspberry Pi 5" in each for each in edge.sources)
    wage = str(CATALOG.figures["technician_wage_usd_per_hour"].source)
    assert wage in edge.sources
    assert wage not in flat.sources


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"devices": 5}, r"devices: expected 0 with a cloud machine. Received: 5 with c7g.large"),
        ({"replicas": 2.5}, r"replicas: expected a whole number. Received: 2.5"),
        ({"regions": 1.5}, r"regions: expected a whole number"),
    ],
)
def test_impossible_machine_counts_are_refused(int8, values, words):
    with pytest.raises(ValueError, match=words):
        estimate(Workload(10.0), Deployment(int8), values=values)


def test_an_edge_deployment_needs_boards(int8):
    boards = Deployment(int8, machine="raspberry-pi-5-4gb", devices=40)
    with pytest.raises(ValueError, match="devices: expected at least 1 with an edge board"):
        estimate(Workload(10.0), boards, values={"devices": 0})


def test_an_objective_between_the_mean_and_p99_is_explained(int8):
    # 1 ms with a squared variation of 1, and the server's 0.5 ms with 0.5: together
    # v = (1 + 0.5 · 0.25) / 2.25 = 0.5. So 99 of 100 take up to
    # 1.5 (1 - √0.5 + √0.5 ln 100) = 5.32 ms.
    slow = replace(int8, service_ms=1.0, service_scv=1.0)
    deployment = Deployment(slow, machine="c6i.large")
    with pytest.raises(ValueError, match=r"1\.5 ms on average, and 99 of 100 take up to 5\.32 ms"):
        estimate(Workload(1.0, latency_objective_ms=5.0), deployment)


def test_edge_and_cloud_list_only_their_own_assumptions(int8):
    boards = Deployment(int8, machine="raspberry-pi-5-4gb", devices=40)
    edge = " ".join(estimate(Workload(10.0), boards).assumptions)
    cloud = " ".join(estimate(Workload(10.0), Deployment(int8)).assumptions)
    assert "utilisation_limit_share" in edge  # of a board, too
    assert "utilisation_limit_share" in cloud
    assert "machine_watts_per_vcpu" in cloud
    assert "machine_watts_per_vcpu" not in edge  # a board's power is a fact
    assert "device_life_months" in edge
    assert "device_life_months" not in cloud


def machines_by_exact_fractions(rate, time_ms, limit):
    return math.ceil(Fraction(rate) * Fraction(time_ms, 1000) / Fraction(limit))


def test_rounding_never_adds_a_machine(int8):
    timed = replace(int8, service_ms=10.0, service_scv=0.0, served=True)
    flat = Deployment(timed, machine="c7g.medium")
    inputs = gather(Workload(1.0, latency_objective_ms=1e6), flat, load_catalog())
    rates = np.arange(10, 2010)
    for limit in ("0.6", "0.7"):
        values = {
            "requests_per_s": rates,
            "service_s": 0.01,
            "speed_ratio": 1.0,
            "utilisation_limit_share": float(limit),
        }
        given = {name: np.broadcast_to(value, 2000) for name, value in values.items()}
        found = fleet(changed(inputs, given))[:, 0]
        exact = [machines_by_exact_fractions(int(rate), 10, limit) for rate in rates]
        np.testing.assert_array_equal(found, np.maximum(exact, 2))  # two at the least
    assert machines_by_exact_fractions(420, 10, "0.6") == 7


@pytest.mark.parametrize(
    ("machine", "gb", "fits"),
    [
        ("p5.4xlarge", 150, False),  # 80 GiB per device, 256 of the host
        ("p5.4xlarge", 60, True),
        ("tpu-v6e-1", 150, False),  # 32 GiB per chip, 176 of the host
        ("g5.xlarge", 20, True),  # 24 GiB per device, 16 of the host
        ("g5.xlarge", 24, False),
        ("c7g.4xlarge", 20, True),
    ],
)
def test_a_process_must_fit_into_the_devices_memory(int8, machine, gb, fits):
    profile = replace(int8, memory_bytes=gb * 1e9)
    deployment = Deployment(profile, machine=machine)
    if fits:
        assert estimate(Workload(1.0), deployment).replicas_at_peak == 2  # the least
    else:
        with pytest.raises(ValueError, match=rf"memory_bytes.*{machine}.* per device"):
            estimate(Workload(1.0), deployment)


def test_devices_have_their_own_power(int8):
    def watts(machine):
        found = estimate(Workload(1.0), Deployment(int8, machine=machine, replicas=1))
        return found.energy_kwh_per_month * 1e3 / 730, " ".join(found.sources + found.assumptions)

    # vCPUs at 5 W each, and the H100's 150 W idle; at 1 request/s of 0.5 ms it is busy for 0.05 %
    # of the time, and takes 550 W more then.
    power, said = watts("p5.4xlarge")
    assert power == pytest.approx(16 * 5 + 150 + 0.000504 * 550)
    assert "H100 80 GB, 3,350 GB/s, 700 W, idle 150" in said
    assert "unpublished_tpu_watts" not in said
    assert "device_idle_share" not in said
    power, said = watts("tpu-v6e-1")
    assert power == pytest.approx(44 * 5 + 200 * 0.17 + 0.000504 * 200 * 0.83)
    assert "unpublished_tpu_watts" in said
    assert "device_idle_share" in said
    power, said = watts("c7g.large")
    assert power == pytest.approx(2 * 5)
    assert "unpublished_tpu_watts" not in said


def test_work_for_too_many_machines_names_the_request_rate(float32):
    with pytest.raises(ValueError, match=r"requests_per_s: expected work for at most 10,000,000"):
        estimate(Workload(5e8), Deployment(float32, machine="c7g.medium"))
