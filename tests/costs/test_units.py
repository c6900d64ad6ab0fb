"""Units: names carry them, and values out of range are refused."""

import math
from dataclasses import fields

import pytest

from deployworkbook.costs.advice import result, storing
from deployworkbook.costs.estimation import breakdown, parts, uncertainty
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.inputs import NUMERIC, Inputs
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.plan import making
from deployworkbook.costs.prices import (
    catalog,
    entries,
    field_entries,
    microcontroller,
    token_entries,
)
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.units import (
    COUNTS,
    GB,
    GIB,
    LEAST,
    POSITIVE,
    RANGES,
    check_quantity,
    unit_of,
)

# Numbers whose unit is in another field: the part's, or the name of the assumption or input.
UNIT_ELSEWHERE = {
    (breakdown.CostPart, "quantity"),
    (parts.BillLine, "quantity"),
    (entries.Figure, "value"),
    (entries.Assumption, "value"),
    (entries.Assumption, "low"),
    (entries.Assumption, "high"),
    (uncertainty.Range, "low"),
    (uncertainty.Range, "middle"),
    (uncertainty.Range, "high"),
    # Counts of machines; their mean over the hours is fractional.
    (breakdown.CostBreakdown, "replicas_at_peak"),
    (breakdown.CostBreakdown, "replicas_needed"),
    (breakdown.CostBreakdown, "replicas_mean"),
    (parts.Month, "machines"),
    (making.DeploymentPlan, "months"),
    # Proportions of the hours, several in one array.
    (Inputs, "load_ratios"),
    (Inputs, "load_shares"),
}
NUMBERS = ("int", "float", "Number", "Decimal", "Array")


def classes():
    mine = (breakdown, catalog, entries, field_entries, making, microcontroller, parts, result)
    for module in (*mine, storing, token_entries, uncertainty):
        for member in vars(module).values():
            if hasattr(member, "__dataclass_fields__") and member.__module__ == module.__name__:
                yield member
    yield from (Workload, Deployment, Profile, Inputs)


@pytest.mark.parametrize("made", list(classes()), ids=lambda made: made.__name__)
def test_every_numeric_field_has_a_unit(made):
    for each in fields(made):
        kind = str(each.type).split(" |")[0]
        if kind not in NUMBERS or (made, each.name) in UNIT_ELSEWHERE:
            continue
        assert unit_of(each.name) or each.name in COUNTS, f"{made.__name__}.{each.name}: {kind}"


def test_the_unit_checks_cover_classes_and_need_every_exception():
    assert len(list(classes())) > 15
    # An exception that no field needs could hide a missing unit later.
    assert all(name in made.__dataclass_fields__ for made, name in UNIT_ELSEWHERE)


def test_every_assumption_and_figure_has_a_unit():
    book = load_catalog()
    for name in (*book.assumptions, *book.figures):
        assert unit_of(name), name


def test_every_assumption_is_an_input():
    # The server's overhead is an input in seconds, and only in the cloud. Those of small devices
    # are the explorers', and those of accelerators belong to tokens.
    assert set(load_catalog().assumptions) - set(NUMERIC) == {
        "server_overhead_ms",
        "server_overhead_scv",
        "image_capture_mj",
        "cellular_usd_per_mb",
        "failed_updates_share",
        "outdated_devices_share",
        "reached_compute_share",
        "accelerator_memory_share",
        "layer_call_us",
        "layer_exchange_us",
        "tpu_reached_ratio",
    }


def test_gb_and_gib_differ_by_7_percent():
    assert pytest.approx(1.0737, abs=1e-4) == GIB / GB


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("price_usd", -1, ValueError),
        ("price_usd", math.nan, ValueError),
        ("price_usd", math.inf, ValueError),
        ("price_usd", "1", TypeError),
        ("price_usd", True, TypeError),
        ("price_usd", None, TypeError),
        ("spot_share", 30, ValueError),
        ("replicas", 1.5, TypeError),
        ("replicas", 0, ValueError),
        ("something", 1, ValueError),
    ],
)
def test_invalid_quantities_are_refused_by_label(name, value, error):
    with pytest.raises(error, match="the label"):
        check_quantity("the label", name, value)


def test_the_longest_suffix_counts():
    assert unit_of("latency_objective_ms") == "_ms"
    assert unit_of("growth_share_per_month") == "_share_per_month"
    assert unit_of("month") == ""
    assert all(suffix.startswith("_") for suffix in RANGES)


@pytest.mark.parametrize("name", sorted(POSITIVE))
def test_positive_quantities_refuse_0_and_tiny_values(name):
    assert check_quantity(name, name, LEAST) == LEAST
    for value in (0, 2.3e-309, LEAST / 2):
        with pytest.raises(ValueError, match=f"{name}: expected a finite number in .1e-09"):
            check_quantity(name, name, value)
