"""The advice explorer names the cheapest deployment that meets the objectives."""

import numpy as np
import pytest

from deployworkbook.costs.advice.advise import advise
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.model import estimate
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import OFFICE_DAY, Workload
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.widgets.advice import advice_explorer, compute_advice
from tests.controls import made_once

# A large process, an accurate one, a small one that is less accurate, and a slow one.
TENSORFLOW = Profile("float32", "savedmodel", 1.0, 0.1, 0.980, 409_000, 380_000, 800e6)
FLOAT32 = Profile("float32", "litert", 0.4, 0.1, 0.980, 409_000, 380_000, 60e6)
INT4 = Profile("int4", "litert", 0.02, 0.1, 0.970, 55_000, 40_000, 55e6)
SLOW = Profile("teacher", "keras", 90.0, 0.1, 0.990, 900_000, 800_000, 900e6)
PROFILES = [TENSORFLOW, FLOAT32, INT4, SLOW]
WORK = Workload(2000.0, daily_shape=OFFICE_DAY, latency_objective_ms=50.0)


@made_once
def four_variants():
    return advice_explorer(PROFILES, WORK, accuracy_share=0.975, memory_bytes=1e9)


@pytest.fixture
def explorer():
    return four_variants()


def test_it_starts_with_the_given_objectives(explorer):
    advice = advise(WORK, PROFILES, accuracy_share=0.975, memory_bytes=1e9)
    assert explorer.values["day"] == "office"
    assert explorer.result.best == advice.best
    assert explorer.result.names[explorer.result.best_place] == "float32 in litert"
    cheapest = [advice.cheapest_of(variant=p.variant, runtime=p.runtime) for p in PROFILES]
    assert cheapest[3] is None
    assert explorer.result.costs_usd.tolist() == [
        *(each.cost_usd_per_month for each in cheapest[:3]),
        np.inf,
    ]


def test_a_lower_accuracy_target_is_cheaper_and_an_unreachable_one_excludes_all(explorer):
    exact = explorer.result.best.cost_usd_per_month
    result = explorer.set(accuracy_percent=97.0)
    assert result.best.profile == INT4
    assert result.best.cost_usd_per_month < exact
    result = explorer.set(accuracy_percent=98.5)
    assert (result.best, result.holding) == (None, [])
    assert "None of 4 variants meets all objectives" in explorer._view.picture.alt


def test_memory_and_latency_objectives_exclude_variants(explorer):
    result = explorer.set(memory_mb=100.0)
    assert result.too_large.tolist() == [True, False, False, True]
    # Within 1 s, even the slow variant can serve.
    result = explorer.set(memory_mb=10_000.0, latency_ms=1000.0)
    assert result.can_serve.all()
    table = dict(explorer._view.table(result))
    assert (table["too much memory"], table["miss the latency objective"]) == ("0", "0")


def test_the_table_names_the_next_variant_and_the_extra_cost_of_the_uncompressed_one(explorer):
    result = explorer.set(accuracy_percent=97.0)
    table = dict(explorer._view.table(result))
    assert table["the cheapest"].startswith("int4 in litert on ")
    more = result.costs_usd[1] - result.costs_usd[2]
    assert table["cheapest uncompressed"] == f"float32 in litert, {more:,.2f} USD more"
    assert table["next"] == f"float32 in litert, {more:,.2f} USD more"
    assert table["meet all objectives"] == "3 of 4 variants"


def test_the_plot_shows_the_computed_values(explorer):
    view = explorer._view
    above = explorer.result.costs_usd - explorer.result.costs_usd.min()
    assert view._good.get_xdata().tolist() == above[:2].tolist()
    assert above[2] == 0.0
    assert view._poor.get_ydata().tolist() == [97.0]
    assert len(view._unable.get_xdata()) == 1
    assert list(view._best.get_xdata()) == [above[1]]
    named = {label.get_text() for label in view._labels}
    assert {"float32 in litert", "int4 in litert"} <= named
    front = [INT4.accuracy_share, FLOAT32.accuracy_share, FLOAT32.accuracy_share]
    assert view._stair.get_ydata() == pytest.approx(100 * np.array(front))


def test_a_flat_day_is_cheaper_than_an_office_day(explorer):
    office = explorer.set(requests_per_s=50_000.0).best.cost_usd_per_month
    flat = explorer.set(day="flat").best.cost_usd_per_month
    # The peak is what machines are rented for.
    assert flat < office


def test_without_profiles_the_error_names_the_lessons_that_measure_them():
    with pytest.raises(ValueError, match="lessons 04 to 09"):
        advice_explorer([], WORK)


def test_each_variant_gets_its_cheapest_machine():
    result = compute_advice(
        WORK,
        PROFILES,
        load_catalog(),
        requests_per_s=300.0,
        day="flat",
        latency_ms=50.0,
        accuracy_percent=90.0,
        memory_mb=2000.0,
    )
    for profile, cost in zip(PROFILES[:3], result.costs_usd, strict=False):
        bills = []
        for machine in load_catalog().cloud():
            try:
                bill = estimate(
                    Workload(300.0, latency_objective_ms=50.0), Deployment(profile, machine.name)
                )
            except ValueError:
                continue
            bills.append(float(bill.total_usd_per_month))
        # Each line of a bill is rounded to the cent.
        assert cost == pytest.approx(min(bills), abs=0.1)


def test_equal_costs_and_cheaper_failing_variants_are_reported():
    twin = Profile("twin", "litert", 0.4, 0.1, 0.980, 409_000, 380_000, 60e6)
    explorer = advice_explorer([FLOAT32, twin], WORK, accuracy_share=0.975)
    assert dict(explorer._view.table(explorer.result))["next"].endswith(", the same to the cent")
    # A variant that isn't accurate enough may be cheaper than the chosen one.
    coarse = Profile("float32", "numpy", 0.02, 0.1, 0.970, 409_000, 380_000, 60e6)
    result = advice_explorer([coarse, twin], WORK, accuracy_share=0.975)
    said = dict(result._view.table(result.result))["cheapest uncompressed"]
    assert said.startswith("float32 in numpy, ")
    assert said.endswith(" USD less")


def test_a_failed_variant_is_drawn_at_the_lower_edge():
    lost = Profile("int2", "litert", 0.02, 0.1, 0.38, 30_000, 8000, 49e6)
    explorer = advice_explorer([*PROFILES[:2], lost], WORK, accuracy_share=0.975)
    low, high = explorer._view._axes.get_ylim()
    assert high - low < 15
    (drawn,) = explorer._view._poor.get_ydata()
    assert drawn == low < 98.0 - 10.0
    assert "below 88 at the edge" in explorer._view._axes.get_ylabel()
    assert dict(explorer._view.table(explorer.result))["not accurate enough"] == "1"
