"""The battery explorer: send the image, or compute the answer and send that?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.prices.catalog import Catalog, find
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.field_entries import Battery, Radio
from deployworkbook.formulas.battery import (
    SECONDS_PER_HOUR,
    battery_energy_mj,
    battery_life_h,
    mean_power_mw,
    task_energy_mj,
)
from deployworkbook.formulas.radio import air_time_s, session_energy_mj
from deployworkbook.plots.battery import BatteryResult, BatteryView, Way
from deployworkbook.validation import check_number
from deployworkbook.widgets.controls import Choice, LogSlider, Stops
from deployworkbook.widgets.explorer import Explorer

Array = NDArray[np.float64]

RATES_PER_HOUR = np.geomspace(0.1, 36_000, 121)
# What each way sends per image: 28 × 28 pixels, or a class and how sure the model is.
IMAGE, ANSWER = "send the image", "send the answer"
SENT_BYTES = {IMAGE: 784.0, ANSWER: 2.0}
BATCHES = (1, 2, 5, 10, 20, 50, 100)
FEWEST_CYCLES, MOST_CYCLES = 1e3, 1e8


def compute_battery(
    catalog: Catalog,
    *,
    device: str,
    cycles: float,
    images_per_hour: float,
    board_ua: float,
    radio: str,
    per_message: int,
    battery: str,
) -> BatteryResult:
    """Compute the energy of a day, and how long the battery lasts, for both ways.

    All parts draw from the battery at their own voltages; what a regulator loses is not counted,
    and neither is the chip's own current while its radio works.

    Args:
        catalog: Catalogue with the devices, radios and batteries.
        device: Catalogue name of the microcontroller.
        cycles: Clock cycles that the model takes per image.
        images_per_hour: Rate of the images.
        board_ua: Sleep current of all parts but the chip, in microamperes.
        radio: Catalogue name of the radio.
        per_message: Number of images, or answers, that are sent together.
        battery: Catalogue name of the battery.
    """
    chip = catalog.microcontroller(device)
    link = find("radio", catalog.radios, radio)
    source = find("battery", catalog.batteries, battery)
    seconds = cycles / (1e6 * chip.clock_mhz)
    compute_mj = float(
        task_energy_mj(seconds, active_ma=chip.active_ma, supply_volts=chip.supply_volts)
    )
    rates = np.append(RATES_PER_HOUR, images_per_hour)
    sleep_mw = float(
        mean_power_mw(
            0, task_mj=0, sleep_ua=chip.sleep_ua + board_ua, supply_volts=chip.supply_volts
        )
    )
    computes = {IMAGE: 0.0, ANSWER: compute_mj}
    return BatteryResult(
        device=device,
        radio=radio,
        battery=battery,
        images_per_hour=images_per_hour,
        compute_mj=compute_mj,
        compute_ms=1000 * seconds,
        rates=RATES_PER_HOUR,
        ways=tuple(
            _way(
                name,
                link,
                source,
                rates,
                each_bytes=each_bytes,
                per_message=per_message,
                sleep_mw=sleep_mw,
                camera_mj=catalog.value("image_capture_mj"),
                compute_mj=computes[name],
            )
            for name, each_bytes in SENT_BYTES.items()
        ),
        missing_ma=link.transmit_ma - source.most_ma,
    )


def _way(
    name: str,
    link: Radio,
    battery: Battery,
    rates: Array,
    *,
    each_bytes: float,
    per_message: int,
    sleep_mw: float,
    camera_mj: float,
    compute_mj: float,
) -> Way:
    """Compute one way at all rates, of which the last is the chosen one."""
    air_s = air_time_s(
        per_message * each_bytes,
        packet_bytes=link.packet_bytes,
        header_bytes=link.header_bytes,
        bits_per_s=link.bits_per_s,
    )
    message_mj = session_energy_mj(
        air_s,
        current_ma=link.transmit_ma,
        supply_volts=link.supply_volts,
        session_mj=link.session_mj,
    )
    radio_mj = float(message_mj) / per_message
    # Either the law's share of the time is used up, or one session follows the other.
    busy_s = max(float(air_s) / link.duty_share, float(air_s) + link.session_s)
    most = per_message * SECONDS_PER_HOUR / busy_s
    energy_mj = battery_energy_mj(battery.capacity_mah, battery.cell_volts)
    task_mj = camera_mj + compute_mj + radio_mj
    lives = battery_life_h(
        sleep_mw + mean_power_mw(rates, task_mj=task_mj, sleep_ua=0, supply_volts=0),
        battery_mj=energy_mj,
        self_discharge_share_per_year=battery.self_discharge_share_per_year,
    )
    lives_days = np.where(rates <= most, lives / 24, np.nan)
    idle_h = battery_life_h(
        0,
        battery_mj=energy_mj,
        self_discharge_share_per_year=battery.self_discharge_share_per_year,
    )
    images = 24 * float(rates[-1])
    return Way(
        name=name,
        per_day_mj=(
            24 * float(energy_mj / idle_h),
            24 * SECONDS_PER_HOUR * sleep_mw,
            images * camera_mj,
            images * compute_mj,
            images * radio_mj,
        ),
        message_mj=radio_mj,
        most_per_hour=most,
        life_days=float(lives_days[-1]),
        lives_days=lives_days[:-1],
    )


def battery_explorer(
    *, cycles: float = 100_000, catalog: Catalog | None = None
) -> Explorer[BatteryResult]:
    """Make the battery explorer.

    Args:
        cycles: Clock cycles that the model takes per image, from 1,000 to 100 million, such as an
            emulation counted.
        catalog: Devices, radios, batteries and assumptions; by default the shipped catalogue.

    Raises:
        ValueError: ``cycles`` is out of range.
    """
    book = load_catalog() if catalog is None else catalog
    check_number("cycles", cycles, FEWEST_CYCLES, MOST_CYCLES)
    controls = [
        _choice("device", book.microcontrollers, "nRF52840"),
        LogSlider("cycles", "cycles per image", FEWEST_CYCLES, MOST_CYCLES, 10, float(cycles)),
        LogSlider("images_per_hour", "images per hour", 0.1, 36_000.0, 10, 10.0),
        LogSlider("board_ua", "rest asleep", 0.1, 10_000.0, 10, 2.0, unit="µA"),
        _choice("radio", book.radios, "lorawan-sf7"),
        Stops("per_message", "results per message", BATCHES, 1),
        _choice("battery", book.batteries, "2x-aa-lithium"),
    ]
    note = (
        "Modelled from data sheets, which the catalogue names; without what regulators lose. "
        f"Taking an image needs {book.value('image_capture_mj'):g} mJ (assumed)."
    )
    names = tuple(SENT_BYTES)
    return Explorer(
        controls, partial(compute_battery, book), BatteryView(names, RATES_PER_HOUR, note)
    )


def _choice(name: str, entries: Mapping[str, object], preferred: str) -> Choice:
    """Make a list of a catalogue's entries, which begins with one if it is there."""
    names = tuple(entries)
    return Choice(name, name, names, preferred if preferred in names else names[0])
