"""The explorer of updates over the air: bytes, times and costs of files and patches."""

import numpy as np
import pytest

from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.tiers import cost_in_tiers
from deployworkbook.widgets.over_the_air import compute_over_the_air, update_explorer

CATALOG = load_catalog()
SETTINGS = {
    "full_kb": 6.0,
    "patch_share": 0.25,
    "link": "lte-m",
    "devices": 10_000,
    "updates_per_month": 2,
    "loss_share": 0.2,
    "battery": "cr2032",
}


def computed(**changes):
    return compute_over_the_air(CATALOG, **SETTINGS | changes)


def test_a_fleets_month_by_hand():
    link = CATALOG.radios["lte-m"]
    whole, patch = computed().ways
    # 6,000 bytes in 5 packets; each is sent 1.25 times on average.
    assert whole.device_bytes == 6000
    assert whole.link_bytes == pytest.approx(1.25 * (6000 + 5 * link.header_bytes))
    air_s = 8 * whole.link_bytes / link.bits_per_s
    assert whole.device_s == pytest.approx(link.session_s + air_s)
    used = link.session_mj + link.supply_volts * link.receive_ma * air_s
    assert whole.device_mj == pytest.approx(used)
    assert whole.battery_share == pytest.approx(used / 2.43e6)
    # The patch, and the whole file for those without the version before.
    outdated = CATALOG.value("outdated_devices_share")
    assert patch.device_bytes == pytest.approx(1500 + outdated * 6000)
    engineers, visits, cloud, carrier = whole.costs_usd
    value = CATALOG.value
    hour = value("engineer_wage_usd_per_hour") / value("wages_share")
    assert engineers == pytest.approx(2 * value("hours_per_update") * hour)
    trips = 20_000 * value("failed_updates_share") * value("hours_per_device_visit")
    hour = value("technician_wage_usd_per_hour") / value("wages_share")
    assert visits == pytest.approx(trips * hour)
    sent = 20_000 * whole.link_bytes
    tiers = CATALOG.transfer["internet"].tiers
    assert cloud == pytest.approx(float(cost_in_tiers(sent / 2**30, tiers)))
    assert carrier == pytest.approx(sent / 1e6 * value("cellular_usd_per_mb"))


def test_people_cost_the_same_with_a_patch():
    whole, patch = computed().ways
    assert whole.costs_usd[:2] == patch.costs_usd[:2]
    assert patch.costs_usd[3] < 0.4 * whole.costs_usd[3]


def test_curves_go_through_the_chosen_point():
    result = computed(devices=5000)
    for way in result.ways:
        found = np.interp(5000, result.fleet_sizes, way.data_by_devices_usd)
        assert found == pytest.approx(way.data_usd, rel=0.01)
    found = np.interp(5000, result.fleet_sizes, result.people_by_devices_usd)
    assert found + way.data_usd == pytest.approx(way.total_usd, rel=0.01)


def test_a_law_that_makes_senders_pause_stretches_updates():
    quick, slow = (computed(link=each, loss_share=0.0) for each in ("bluetooth-le", "lorawan-sf12"))
    assert quick.ways[0].device_s < 1
    # 9,068 bytes on the link at 250 bits per second and 1 % of the time: eight hours.
    assert slow.ways[0].link_bytes == 6000 + 118 * 26
    assert slow.ways[0].device_s == pytest.approx(2 + 100 * 8 * 9068 / 250)
    assert quick.ways[0].costs_usd[3] == slow.ways[0].costs_usd[3] == 0


def test_no_update_costs_nothing():
    for way in computed(updates_per_month=0).ways:
        assert way.total_usd == 0
        assert (way.data_by_devices_usd == 0).all()


def test_given_sizes_are_shown():
    explorer = update_explorer(full_bytes=5812, patch_bytes=1017)
    assert explorer.result.ways[0].device_bytes == pytest.approx(5812)
    outdated = CATALOG.value("outdated_devices_share")
    assert explorer.result.ways[1].device_bytes == pytest.approx(1017 + outdated * 5812)


@pytest.mark.parametrize(
    ("sizes", "match"),
    [
        ({"full_bytes": 10}, "full_bytes"),
        ({"full_bytes": 6000, "patch_bytes": 7000}, "patch_bytes"),
    ],
)
def test_sizes_out_of_range_are_refused(sizes, match):
    with pytest.raises(ValueError, match=match):
        update_explorer(**sizes)
