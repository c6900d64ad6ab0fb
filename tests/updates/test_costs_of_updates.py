"""What an update costs a fleet, and how often it pays to retrain."""

import numpy as np
import pytest

from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.updates.fleet import fleet_update
from deployworkbook.updates.schedule import retraining_schedule
from deployworkbook.widgets.over_the_air import compute_over_the_air

SETTINGS = {"link": "lte-m", "devices": 5000, "loss_share": 0.1, "battery": "cr2032"}


def test_a_fleets_update_costs_what_lesson_01_and_its_explorer_say():
    shown = compute_over_the_air(
        load_catalog(), full_kb=92.0, patch_share=0.5, updates_per_month=1, **SETTINGS
    )
    for way, patch in zip(shown.ways, (None, 46_000), strict=True):
        found = fleet_update(92_000, patch_bytes=patch, **SETTINGS)
        assert found.total_usd == pytest.approx(way.total_usd)
        assert found.data_usd == pytest.approx(way.data_usd)
        assert found.device.link_bytes == pytest.approx(way.link_bytes)
        assert found.device_bytes == pytest.approx(way.device_bytes)


def test_an_unknown_link_is_named():
    with pytest.raises(ValueError, match="lte-m"):
        fleet_update(1000, link="lte-n")


def test_the_schedules_optimum_is_the_lowest_point_of_its_curve():
    found = retraining_schedule(
        update_usd=400, requests_per_day=1e5, usd_per_mistake=0.002, lost_per_day=0.002
    )
    lowest = int(np.argmin(found.usd_per_day))
    assert found.interval_days[lowest] == pytest.approx(found.best_days)
    assert found.usd_per_day[lowest] == pytest.approx(found.best_usd_per_day)
    assert found.updates_usd_per_day[lowest] == pytest.approx(found.waiting_usd_per_day[lowest])


def test_a_cheap_update_that_mends_less_pays_where_mistakes_are_cheap():
    def cost(usd_per_mistake, update_usd, remaining_share):
        return retraining_schedule(
            update_usd=update_usd,
            requests_per_day=1e5,
            usd_per_mistake=usd_per_mistake,
            lost_per_day=0.002,
            remaining_share=remaining_share,
        ).best_usd_per_day

    assert cost(0.0001, 100, 0.08) < cost(0.0001, 400, 0.0)
    assert cost(0.01, 100, 0.08) > cost(0.01, 400, 0.0)
