"""Worked examples that cloud providers publish, to the cent.

GB in them is 2³⁰ bytes and TB 1024 GB; a month has the hours that the example says.
"""

import tomllib
from decimal import Decimal

import pytest

from deployworkbook.costs.money import to_cents
from deployworkbook.costs.prices.catalog_file import SHIPPED, load_catalog
from deployworkbook.costs.prices.tiers import amounts_in_tiers, tiered_cost
from deployworkbook.costs.units import GIB

TIB_IN_GIB = 1024


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
        ("technician_wage_usd_per_hour", 61_580 / 2080),
        ("carbon_grams_per_kwh", 0.86 * 453.59237),
    ],
)
def test_derived_figures_equal_their_sources(figure, value):
    assert load_catalog().value(figure) == pytest.approx(value, rel=5e-4)


def test_every_source_is_used():
    tables = tomllib.loads(SHIPPED.read_text())
    used = {
        entry[kind]
        for section in ("machines", "storage", "transfer", "figures")
        for entry in tables[section].values()
        for kind in ("source", "device_source")
        if kind in entry
    }
    assert used == set(tables["sources"])
