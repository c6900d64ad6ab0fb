"""The bill's lines beyond machines, storage and traffic: by hand, and each can be switched off."""

from dataclasses import replace

import numpy as np
import pytest

from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.inputs import changed, gather
from deployworkbook.costs.estimation.machines import busy_machines, service_s
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.parts import month_of
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import OFFICE_DAY, Workload
from deployworkbook.costs.prices.catalog_file import load_catalog

CATALOG = load_catalog()
PROFILE = Profile("int8", "litert", 0.004, 0.1, 0.9773, 105_920, 92_879, 190e6)
WORK = Workload(100.0, request_bytes=3000, response_bytes=400, logged_share=0.0)


def costs(deployment, workload=WORK):
    """Return each line's cost by name, as text."""
    return {part.name: str(part.cost_usd) for part in estimate(workload, deployment, CATALOG).parts}


def test_a_load_balancer_by_hand():
    found = costs(Deployment(PROFILE))
    assert found["load balancer"] == "16.43"  # 730 h × 0.0225 = 16.425
    # 100/s × (3,400 + 1,200) bytes × 3,600 s = 1.656 GB an hour, which needs more units than
    # 100 / 20 = 5 new connections of 25, or 300 open ones of 3,000: × 730 × 0.008
    assert found["load balancer, capacity units"] == "9.67"
    assert found["public addresses"] == "7.30"  # in two zones, 1,460 h × 0.005


def test_connections_or_rules_can_need_more_units_than_bytes():
    inputs = gather(replace(WORK, request_bytes=0, response_bytes=0), Deployment(PROFILE), CATALOG)

    def units(**values):
        lines = {line.name: line for line in month_of(changed(inputs, values)).lines}
        return float(lines["load balancer, capacity units"].quantity) / 730

    few = {"protocol_bytes_per_request": 0.0}
    assert units(requests_per_connection=1, connection_s=1, **few) == 4  # 100 of 25
    assert units(requests_per_connection=1, connection_s=600, **few) == 20  # 60,000 of 3,000
    assert units(routing_rules=60, connection_s=0, **few) == 5  # 100 × 50 of 1,000


def test_log_lines_by_hand():
    found = costs(Deployment(PROFILE))
    # 262,800,000 × 500 bytes = 122.38 GiB, 5 of them free, × 0.50; kept for a month, × 0.03
    assert found["log lines, taken in"] == "58.69"
    assert found["log lines, kept"] == "3.67"


def test_root_disks_and_nat_gateways_by_hand():
    found = costs(Deployment(PROFILE, nat_gateways=2, replicas=4))
    assert found["root disks"] == "2.56"  # 4 × 8 GiB × 0.08
    assert found["NAT gateways"] == "65.70"  # 2 × 730 h × 0.045
    assert found["through NAT"] == "5.51"  # the log lines, 122.38 GiB × 0.045
    assert found["public addresses"] == "14.60"  # two of the balancer's, two of the gateways'


@pytest.mark.parametrize(
    ("off", "names"),
    [
        (
            {"balancer": "none", "public_ipv4": False},
            {"load balancer", "load balancer, capacity units", "public addresses"},
        ),
        ({"public_ipv4": False}, {"public addresses"}),
        ({"log_lines_per_request": 0}, {"log lines, taken in", "log lines, kept"}),
        ({"root_disk_gib": 0}, {"root disks"}),
    ],
)
def test_each_line_can_be_switched_off(off, names):
    all_lines, fewer = set(costs(Deployment(PROFILE))), set(costs(Deployment(PROFILE, **off)))
    assert all_lines - fewer == names


def test_the_balancer_decides_whether_traffic_between_zones_is_charged():
    # 262,800,000 × 0.5 × 4,600 bytes = 562.93 GiB, × 0.01 where it leaves and where it arrives
    assert costs(Deployment(PROFILE, balancer="network"))["between zones"] == "11.26"
    for balancer in ("application", "none"):
        assert "between zones" not in costs(Deployment(PROFILE, balancer=balancer))


def test_without_a_balancer_each_machine_has_an_address():
    found = costs(Deployment(PROFILE, balancer="none", replicas=7))
    assert found["public addresses"] == "25.55"  # 7 × 730 h × 0.005


def test_committed_machines_are_paid_when_idle():
    # Ten hours of the day with 4 times the load; at the peak 4 machines, else 2, the least.
    day = (1.0,) * 14 + (4.0,) * 10
    work = Workload(2000.0, daily_shape=day, logged_share=0.0)
    slow = replace(PROFILE, service_ms=0.5)
    part = estimate(work, Deployment(slow, autoscaling=True), CATALOG)
    half = estimate(work, Deployment(slow, autoscaling=True, committed_share=0.5), CATALOG)
    peak, mean = part.replicas_at_peak, part.replicas_mean
    by_name = {each.name: each for each in half.parts}
    assert by_name["serving, committed"].quantity == pytest.approx(0.5 * peak * 730)
    low = (mean - peak * 10 / 24) * 24 / 14
    beyond = max(low - peak / 2, 0) * 14 / 24 + peak / 2 * 10 / 24
    assert by_name["serving, on demand"].quantity == pytest.approx(beyond * 730)
    # 0.0725 USD less 37.27 %
    assert by_name["serving, committed"].price_usd == pytest.approx(0.0725 * (1 - 0.3727))


def test_commitment_and_spot_market_share_the_hours():
    work, all_day = Workload(100.0), Deployment(PROFILE, replicas=4, least_replicas=1)
    both = replace(all_day, committed_share=0.5, spot_share=0.25)
    hours = {part.name: part.quantity for part in estimate(work, both, CATALOG).parts}
    assert hours["serving, committed"] == 0.5 * 4 * 730
    assert hours["serving, on demand"] == pytest.approx(0.25 * 4 * 730)
    assert hours["serving, spot"] == pytest.approx(0.25 * 4 * 730 * 1.05)
    with pytest.raises(ValueError, match="committed_share: expected together at most 1"):
        replace(all_day, committed_share=0.8, spot_share=0.3)


def test_three_years_cost_less_than_one():
    totals = [
        estimate(
            WORK, Deployment(PROFILE, committed_share=1.0, commitment=term), CATALOG
        ).total_usd_per_month
        for term in ("one year", "three years")
    ]
    assert totals[0] > totals[1]


def test_serverless_by_hand():
    # 10/s × 2,628,000 s = 26.28 million, of which a million is free, × 0.20
    function = Deployment(PROFILE, machine="c7i.large", serving="serverless", function_mib=1769)
    found = costs(function, replace(WORK, requests_per_s=10.0))
    assert found["function requests"] == "5.06"
    # 0.504 ms / 1.15 is billed as 1 ms, and 0.5 % start for 1.5 s: 26.28 million × 8.5 ms × 1.7275
    # GiB = 385,901 GiB s: less than what is free.
    assert found["function time"] == "0.00"
    more = costs(function, replace(WORK, requests_per_s=100.0))
    # 3,859,008 - 400,000 GiB s, × 0.0000166667
    assert more["function time"] == "57.65"
    machines = {"serving, on demand", "root disks", "load balancer", "public addresses"}
    assert not machines & set(more)


def test_a_rare_request_finds_no_warm_function():
    rare = Workload(1 / 3600, latency_objective_ms=1000.0)
    function = Deployment(PROFILE, serving="serverless")
    with pytest.raises(ValueError, match=r"84\.7% cold starts of 1\.5 s"):
        estimate(rare, function, CATALOG)
    patient = replace(rare, latency_objective_ms=2000.0)
    assert estimate(patient, function, CATALOG).replicas_at_peak == 0


def test_a_function_with_more_memory_gets_more_of_a_core():
    slow = replace(PROFILE, service_ms=20.0)
    small = Deployment(slow, serving="serverless", function_mib=300)
    with pytest.raises(ValueError, match=r"latency_objective_ms.*300 MiB that takes 127 ms"):
        estimate(WORK, small, CATALOG)
    assert estimate(WORK, replace(small, function_mib=1769), CATALOG).replicas_needed == 0
    with pytest.raises(ValueError, match=r"function_mib: expected at least 226\.5"):
        estimate(WORK, replace(small, function_mib=200), CATALOG)


def test_a_managed_endpoint_costs_more_machine_and_less_upkeep():
    own, managed = costs(Deployment(PROFILE)), costs(Deployment(PROFILE, serving="managed"))
    assert managed["managed endpoint"] == "126.81"  # 1,460 h × 0.0725 × 1.198
    assert managed["root disks"] == "1.79"  # 16 GiB × 0.112
    assert float(managed["upkeep"]) == pytest.approx(float(own["upkeep"]) / 2, abs=0.01)
    gpu = costs(Deployment(PROFILE, machine="g5.xlarge", serving="managed"))
    assert gpu["managed endpoint"] == "2056.26"  # 1,460 h × 1.006 × 1.4


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"serving": "lambda"}, "serving: expected one of"),
        ({"serving": "serverless", "spot_share": 0.5}, "spot_share: expected none"),
        ({"serving": "serverless", "committed_share": 0.5}, "committed_share: expected none"),
        ({"serving": "serverless", "replicas": 3}, "replicas: expected none"),
        ({"serving": "serverless", "machine": "g5.xlarge"}, "machine: expected one of cpu"),
        ({"serving": "managed", "machine": "tpu-v6e-1"}, "machine: expected one of cpu, gpu"),
        ({"balancer": "aplication"}, "balancer.*Did you mean application?"),
        ({"commitment": "two years"}, "commitment: expected one of"),
        ({"storage": "archive"}, "storage: expected storage that answers at once.*5 h"),
        ({"extra_mib_per_s": 5}, "extra_mib_per_s: expected 0: it sells none"),
    ],
)
def test_what_cannot_be_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        estimate(WORK, Deployment(PROFILE, **given), CATALOG)


def test_archived_logs_are_billed_for_the_least_time():
    work = replace(WORK, logged_share=0.1, logs_kept_months=1.0)
    deployment = Deployment(PROFILE, log_storage="archive")
    parts = {part.name: part for part in estimate(work, deployment, CATALOG).parts}
    # 26,280 objects: 83.22 GiB of data and 32 KiB of index each, for three months
    gib = (26.28e6 * 3400 / 2**30 + 26_280 * 32 / 2**20) * 3
    assert parts["logged requests"].quantity == pytest.approx(gib)
    assert str(parts["logged requests"].cost_usd) == "0.91"  # × 0.0036
    assert str(parts["names of archived objects"].cost_usd) == "0.01"  # 0.6 GiB × 0.023
    assert str(parts["writes of logged requests"].cost_usd) == "0.79"  # 26.28 thousand × 0.03


def test_the_energy_of_boards_follows_their_load():
    def watts(rate):
        deployment = Deployment(
            replace(PROFILE, service_ms=45.0), machine="raspberry-pi-5-4gb", devices=10
        )
        work = Workload(rate, latency_objective_ms=1000.0)
        found = estimate(work, deployment, CATALOG)
        return found.energy_kwh_per_month * 1e3 / 730 / 10, found.busy_share

    assert watts(0.0) == (pytest.approx(3.0), 0.0)
    # 200/s on ten boards, each request 100 ms of one of four cores: half of each board
    power, busy = watts(200.0)
    assert busy == pytest.approx(0.5)
    assert power == pytest.approx(3.0 + 0.5 * 5.8)


def test_a_devices_time_is_the_rooflines_where_operations_are_known():
    known = replace(PROFILE, operations_per_prediction=2e9, model_bytes=4e9, served=True)
    inputs = gather(Workload(50.0), Deployment(known, machine="g4dn.xlarge"), CATALOG)
    # 2 · 10⁹ operations at 20 TFLOP/s take 0.1 ms, 4 GB at 0.8 · 320 GB/s 15.625 ms; a call 0.05 ms
    assert float(service_s(inputs)) == pytest.approx(0.015675)
    assert float(busy_machines(inputs)) == pytest.approx(0.78375)
    bill = estimate(Workload(50.0), Deployment(known, machine="g4dn.xlarge"), CATALOG)
    assert bill.busy_share == pytest.approx(0.78375 / bill.replicas_at_peak)
    assert any("t4 reaches 20,000 GFLOP/s" in each for each in bill.assumptions)
    idle = Deployment(known, machine="g4dn.xlarge", least_replicas=1)
    assert estimate(Workload(0.0), idle, CATALOG).replicas_at_peak == 1  # one device at least


def test_a_function_is_late_by_its_measured_times_not_by_their_variation():
    # 2 % of the services take ten times as long: 99 of 100 are not answered within 5 times the
    # mean, though an exponential part with this variation would be.
    times = tuple([1.0] * 98 + [10.0] * 2)
    measured = replace(PROFILE, service_ms=1.18, service_times_ms=times, served=True)
    function = Deployment(measured, serving="serverless", function_mib=1769)
    with pytest.raises(ValueError, match="latency_objective_ms"):
        estimate(Workload(10.0, latency_objective_ms=9.0), function, CATALOG)
    assert estimate(Workload(10.0, latency_objective_ms=12.0), function, CATALOG)
    assumed = replace(measured, service_times_ms=(), service_scv=0.2)
    function = replace(function, profile=assumed)
    assert estimate(Workload(10.0, latency_objective_ms=9.0), function, CATALOG)


def test_only_the_lines_assumptions_and_sources_are_listed():
    own = estimate(WORK, Deployment(PROFILE), CATALOG)
    function = estimate(WORK, Deployment(PROFILE, serving="serverless"), CATALOG)
    bare = Deployment(PROFILE, balancer="none", public_ipv4=False, log_lines_per_request=0)
    nothing = " ".join(estimate(WORK, bare, CATALOG).assumptions)
    assert "connection_s" in " ".join(own.assumptions)
    assert "cross_zone" not in " ".join(own.assumptions)
    assert "function_" not in " ".join(own.assumptions)
    assert "function_start_s" in " ".join(function.assumptions)
    assert "connection_s" not in " ".join(function.assumptions)
    assert "log_line" not in nothing
    assert "balancer" not in nothing
    assert any("Lambda" in each for each in function.sources)
    assert not any("Lambda" in each for each in own.sources)
    assert any("Load Balancing" in each for each in own.sources)
    committed = estimate(WORK, Deployment(PROFILE, committed_share=0.5), CATALOG)
    assert any("reserved" in each for each in committed.sources)
    assert not any("reserved" in each for each in own.sources)


def test_replaced_inputs_decide_which_assumptions_and_sources_are_listed():
    def said(**values):
        found = estimate(WORK, Deployment(PROFILE), CATALOG, values=values)
        return " ".join(found.assumptions), found.sources

    plain, sources = said()
    nat = str(CATALOG.figures["nat_usd_per_hour"].source)
    assert nat not in sources
    assert nat in said(nat_gateways=1)[1]
    assert nat not in said(nat_gateways=1, nat_usd_per_hour=0.1, nat_usd_per_gib=0.1)[1]
    assert "spot_discount_share" not in plain
    assert "spot_discount_share" in said(spot_share=0.5)[0]
    assert "connection_s" not in said(balancers=0)[0]
    assert not any("Load Balancing" in each for each in said(balancers=0)[1])
    assert "region_hours" in said(regions=2)[0]
    assert "server_overhead_ms" not in said(server_overhead_s=0.001)[0]
    assert "one core of" not in said(speed_ratio=2.0)[0]
    assert any("reserved" in each for each in said(committed_share=0.5)[1])


def test_errors_name_the_replaced_inputs():
    with pytest.raises(ValueError, match=r"on c7g.large with 0.125 GiB"):
        estimate(WORK, Deployment(PROFILE), CATALOG, values={"machine_memory_bytes": 2**27})
    boards = Deployment(PROFILE, machine="raspberry-pi-5-4gb", devices=40)
    with pytest.raises(ValueError, match=r"devices: .* Received: 2, each"):
        estimate(Workload(1e7), boards, CATALOG, values={"devices": 2})


def test_many_rates_give_the_same_lines_as_one():
    work = Workload(1.0, daily_shape=OFFICE_DAY)
    for given in ({}, {"serving": "serverless"}, {"serving": "managed"}, {"balancer": "network"}):
        inputs = gather(work, Deployment(PROFILE, **given), CATALOG)
        rates = np.array([5.0, 50.0, 500.0])
        together = month_of(changed(inputs, {"requests_per_s": rates})).cost_usd
        alone = [float(month_of(changed(inputs, {"requests_per_s": r})).cost_usd) for r in rates]
        np.testing.assert_allclose(together, alone)
