"""Curves, break-even points, and the comparison of storage."""

import math

import numpy as np
import pytest

from deployworkbook.costs.advice.storing import storage_options
from deployworkbook.costs.estimation.breakdown import KINDS
from deployworkbook.costs.estimation.curves import break_even, cost_along, total_along
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.units import SECONDS_PER_MONTH


@pytest.fixture
def cloud(int8):
    return Deployment(int8)


@pytest.fixture
def edge(int8):
    return Deployment(int8, machine="raspberry-pi-5-4gb", devices=50)


def test_a_curve_equals_estimates_at_each_value(cloud):
    rates = [0.0, 1.0, 300.0, 20_000.0]
    costs = cost_along("requests_per_s", rates, Workload(1.0), cloud)
    for place, rate in enumerate(rates):
        found = estimate(Workload(rate), cloud).by_kind_usd
        for kind in KINDS:
            assert costs[kind][place] == pytest.approx(float(found[kind]), abs=0.05)
    total = total_along("requests_per_s", rates, Workload(1.0), cloud)
    np.testing.assert_allclose(total, sum(costs[kind] for kind in KINDS))


def test_other_inputs_can_be_replaced(cloud):
    total = total_along(
        "requests_per_s", [100.0], Workload(1.0), cloud, others={"network_price_ratio": 0.0}
    )
    free = estimate(Workload(100.0), cloud, values={"network_price_ratio": 0.0})
    assert total[0] == pytest.approx(float(free.total_usd_per_month), abs=0.05)
    assert free.by_kind_usd["network"] == 0


def test_a_curve_is_infinite_where_it_cannot_serve(edge):
    total = total_along("requests_per_s", [1.0, 1e8], Workload(1.0), edge)
    assert np.isfinite(total).tolist() == [True, False]


def test_the_cheaper_deployment_changes_at_the_break_even(cloud, edge):
    point = break_even(Workload(1.0), cloud, edge)
    assert 1 < point < 1e4
    for rate, cheaper in ((point * 0.99, cloud), (point * 1.01, edge)):
        other = edge if cheaper is cloud else cloud
        costs = [estimate(Workload(rate), each).total_usd_per_month for each in (cheaper, other)]
        assert costs[0] < costs[1]


def test_break_even_is_none_or_the_ranges_start_without_a_crossing(cloud, edge):
    assert break_even(Workload(1.0), edge, edge) is None
    assert break_even(Workload(1.0), cloud, edge, high=1.0) is None
    assert break_even(Workload(1.0), edge, cloud) == 0.1  # cheaper from the beginning


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"low": 0}, "low"),
        ({"low": 10, "high": 1}, "high"),
        ({"points": 1}, "points"),
        ({"name": "rate"}, "input"),
    ],
)
def test_invalid_ranges_are_refused_by_name(cloud, edge, arguments, name):
    with pytest.raises(ValueError, match=name):
        break_even(Workload(1.0), cloud, edge, **arguments)


def test_storage_by_hand():
    options = {
        option.storage.name: option
        for option in storage_options(
            1000.0, reads_per_month=1e6, writes_per_month=1e5, read_bytes=2**20
        )
    }
    found = options["object"]
    assert found.room_usd_per_month == pytest.approx(23.0)
    # 1,000 × 0.0004 + 100 × 0.005
    assert found.use_usd_per_month == pytest.approx(0.9)
    infrequent = options["object-infrequent"]
    # 1,000 × 0.001 + 100 × 0.01 + 976.6 GiB × 0.01
    assert infrequent.use_usd_per_month == pytest.approx(1 + 1 + 1e6 / 1024 * 0.01)
    assert options["network-ssd"].cost_usd_per_month == pytest.approx(80.0)
    assert options["network-ssd"].read_s == pytest.approx(1 / 125 + 1 / 3000)


def test_a_small_amount_on_a_disk_costs_the_minimum():
    (disk,) = [each for each in storage_options(1.0) if each.storage.name == "hdd"]
    assert disk.cost_usd_per_month == pytest.approx(125 * 0.045)


def test_storage_that_cannot_keep_up_comes_last():
    # 4,000 reads/s: more than network-ssd's 3,000 and the disks'.
    options = storage_options(100.0, reads_per_month=4000 * 2_628_000, read_bytes=1000)
    slow = {option.storage.name for option in options if not option.keeps_up}
    assert slow == {"network-ssd", "hdd", "cold-hdd"}
    assert [option.keeps_up for option in options] == sorted(
        (option.keeps_up for option in options), reverse=True
    )
    costs = [option.cost_usd_per_month for option in options if option.keeps_up]
    assert costs == sorted(costs)


@pytest.mark.parametrize(
    "name", ["stored_gib", "reads_per_month", "writes_per_month", "read_bytes"]
)
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_invalid_storage_use_is_refused_by_name(name, value):
    given = {"stored_gib": 1.0, name: value}
    with pytest.raises(ValueError, match=name):
        storage_options(given.pop("stored_gib"), **given)


def test_a_volume_must_keep_up_with_reads_and_writes_together():
    def keeps_up(reads, writes):
        options = storage_options(1.0, reads_per_month=reads, writes_per_month=writes)
        return {option.storage.name: option.keeps_up for option in options}["hdd"]

    [disk] = [option.storage for option in storage_options(1.0) if option.storage.name == "hdd"]
    most_per_month = disk.operations_per_s * SECONDS_PER_MONTH
    assert keeps_up(0.4 * most_per_month, 0.4 * most_per_month)
    assert not keeps_up(0.6 * most_per_month, 0.6 * most_per_month)
