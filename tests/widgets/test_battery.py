"""The battery explorer: energy by part, and lives of both ways."""

import numpy as np
import pytest

from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.widgets.battery import ANSWER, IMAGE, battery_explorer, compute_battery

CATALOG = load_catalog()
SETTINGS = {
    "device": "nRF52840",
    "cycles": 100_000.0,
    "images_per_hour": 60.0,
    "board_ua": 2.0,
    "radio": "bluetooth-le",
    "per_message": 1,
    "battery": "cr2032",
}


def computed(**changes):
    return compute_battery(CATALOG, **SETTINGS | changes)


def test_the_answers_day_by_hand():
    result = computed()
    chip, link = CATALOG.microcontrollers["nRF52840"], CATALOG.radios["bluetooth-le"]
    image, answer = result.ways
    assert (image.name, answer.name) == (IMAGE, ANSWER)
    lost, asleep, camera, computing, radio = answer.per_day_mj
    # 1 % of 225 mAh · 3 V a year.
    assert lost == pytest.approx(0.01 * 225 * 3 * 3600 / 365.25)
    assert asleep == pytest.approx(86.4 * chip.supply_volts * (chip.sleep_ua + 2.0))
    compute_mj = 100_000 / (1e6 * chip.clock_mhz) * chip.active_ma * chip.supply_volts
    assert computing == pytest.approx(24 * 60 * compute_mj)
    assert camera == pytest.approx(24 * 60 * CATALOG.value("image_capture_mj"))
    air_s = 8 * (2 + link.header_bytes) / link.bits_per_s
    message_mj = link.session_mj + link.supply_volts * link.transmit_ma * air_s
    assert radio == pytest.approx(24 * 60 * message_mj)
    # A day's energy divides the battery's.
    assert answer.life_days == pytest.approx(225 * 3 * 3600 / sum(answer.per_day_mj))


def test_the_ways_differ_in_the_radio_and_in_computing():
    image, answer = computed(radio="lorawan-sf7", images_per_hour=10.0).ways
    assert image.per_day_mj[:3] == answer.per_day_mj[:3]
    assert image.per_day_mj[3] == 0
    assert image.per_day_mj[4] > 10 * answer.per_day_mj[4]
    assert answer.life_days > 2 * image.life_days


def test_curves_go_through_the_chosen_point():
    result = computed(images_per_hour=100.0)
    for way in result.ways:
        found = np.interp(np.log(100.0), np.log(result.rates), np.log(way.lives_days))
        assert np.exp(found) == pytest.approx(way.life_days, rel=1e-3)


def test_a_slow_link_can_carry_few_images_only():
    image, answer = computed(radio="lorawan-sf12", images_per_hour=2.0).ways
    # 38.4 s on the air, of which an hour has 36: less than one image.
    assert image.most_per_hour == pytest.approx(36 / 38.4, rel=0.01)
    assert np.isnan(image.life_days)
    assert answer.life_days > 0
    explorer = battery_explorer()
    explorer.set(radio="lorawan-sf12", images_per_hour=2.0)
    assert "carries at most 0.938" in explorer._view.picture.alt


def test_sending_results_together_saves_sessions():
    apart, together = (computed(radio="wi-fi", per_message=each).ways[1] for each in (1, 100))
    # A session of 358 mJ dominates: a hundredth of it remains.
    assert together.message_mj < 0.012 * apart.message_mj


def test_a_coin_cell_cannot_feed_wi_fi():
    result = computed(radio="wi-fi")
    assert result.missing_ma == 335 - 15
    explorer = battery_explorer()
    explorer.set(radio="wi-fi", battery="cr2032")
    assert "can't deliver" in explorer._view.picture.alt
    assert computed(radio="wi-fi", battery="2x-aa-alkaline").missing_ma <= 0


@pytest.mark.parametrize("cycles", [0, 1e9])
def test_cycles_out_of_range_are_refused(cycles):
    with pytest.raises(ValueError, match="cycles"):
        battery_explorer(cycles=cycles)
