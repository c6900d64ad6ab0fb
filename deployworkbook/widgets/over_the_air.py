"""The explorer of updates over the air: what a fleet's updates take, whole or as patches."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.prices.catalog import Catalog, find
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.note import price_note
from deployworkbook.costs.prices.tiers import cost_in_tiers
from deployworkbook.costs.units import GIB
from deployworkbook.formulas.battery import battery_energy_mj
from deployworkbook.formulas.over_the_air import patched_bytes, sendings_per_packet, transfer_s
from deployworkbook.formulas.radio import air_time_s, packet_count, session_energy_mj
from deployworkbook.plots.over_the_air import OverTheAirResult, OverTheAirView, Update
from deployworkbook.validation import check_number
from deployworkbook.widgets.controls import Choice, LogSlider, Slider, Stops
from deployworkbook.widgets.explorer import Explorer

Array = NDArray[np.float64]

KB, MB = 1e3, 1e6
LEAST_KB, MOST_KB = 0.5, 5000.0
FLEETS = (*(k * 10**power for power in range(6) for k in (1, 2, 5)), 1_000_000)
FLEET_SIZES = np.geomspace(FLEETS[0], FLEETS[-1], 61)
WHOLE, PATCH = "whole file", "patch"


def compute_over_the_air(
    catalog: Catalog,
    *,
    full_kb: float,
    patch_share: float,
    link: str,
    devices: int,
    updates_per_month: int,
    loss_share: float,
    battery: str,
) -> OverTheAirResult:
    """Compute what a fleet's updates take, with the whole file and with a patch.

    The costs are those of lesson 01: engineers' hours per update, technicians' visits to devices
    that an update leaves unreachable, transfer out of the cloud, and what a carrier charges.

    Args:
        catalog: Prices, radios, batteries and assumptions.
        full_kb: Size of the whole file, in units of 1,000 bytes.
        patch_share: Size of the patch, as a share of it.
        link: Catalogue name of the radio that receives.
        devices: Number of devices.
        updates_per_month: Number of updates.
        loss_share: Share of the packets that are lost, and sent again.
        battery: Catalogue name of the battery.
    """
    radio = find("radio", catalog.radios, link)
    cell = find("battery", catalog.batteries, battery)
    full = KB * full_kb
    outdated = catalog.value("outdated_devices_share")
    sizes = {
        WHOLE: full,
        PATCH: float(patched_bytes(patch_share * full, full, outdated_share=outdated)),
    }
    again = float(sendings_per_packet(loss_share))
    energy_mj = float(battery_energy_mj(cell.capacity_mah, cell.cell_volts))
    fleets = np.append(FLEET_SIZES, devices)
    ways = []
    for name, size in sizes.items():
        packets = float(packet_count(size, packet_bytes=radio.packet_bytes))
        air_s = again * float(
            air_time_s(
                size,
                packet_bytes=radio.packet_bytes,
                header_bytes=radio.header_bytes,
                bits_per_s=radio.bits_per_s,
            )
        )
        used_mj = float(
            session_energy_mj(
                air_s,
                current_ma=radio.receive_ma,
                supply_volts=radio.supply_volts,
                session_mj=radio.session_mj,
            )
        )
        link_bytes = again * (size + packets * radio.header_bytes)
        costs = _costs(
            catalog, fleets, updates_per_month, link_bytes, charged_share=radio.charged_share
        )
        ways.append(
            Update(
                name=name,
                device_bytes=size,
                link_bytes=link_bytes,
                device_s=radio.session_s + float(transfer_s(air_s, duty_share=radio.duty_share)),
                device_mj=used_mj,
                battery_share=used_mj / energy_mj,
                costs_usd=tuple(float(each[-1]) for each in costs),
                data_by_devices_usd=(costs[2] + costs[3])[:-1],
            )
        )
    return OverTheAirResult(
        link=link,
        devices=devices,
        updates_per_month=updates_per_month,
        fleet_sizes=FLEET_SIZES,
        people_by_devices_usd=(costs[0] + costs[1])[:-1],
        ways=(ways[0], ways[1]),
    )


def _costs(
    catalog: Catalog,
    fleets: Array,
    updates_per_month: float,
    link_bytes: float,
    *,
    charged_share: float,
) -> list[Array]:
    """Return USD per month by part, in the order of the plot's parts."""
    paid = {
        who: catalog.value(f"{who}_wage_usd_per_hour") / catalog.value("wages_share")
        for who in ("engineer", "technician")
    }
    engineers = updates_per_month * catalog.value("hours_per_update") * paid["engineer"]
    failures = fleets * updates_per_month * catalog.value("failed_updates_share")
    visits = failures * catalog.value("hours_per_device_visit") * paid["technician"]
    sent = fleets * updates_per_month * link_bytes
    cloud = cost_in_tiers(sent / GIB, find("transfer", catalog.transfer, "internet").tiers)
    carrier = charged_share * sent / MB * catalog.value("cellular_usd_per_mb")
    return [np.full(len(fleets), engineers), visits, cloud, carrier]


def update_explorer(
    *, full_bytes: float = 6000, patch_bytes: float | None = None, catalog: Catalog | None = None
) -> Explorer[OverTheAirResult]:
    """Make the explorer of updates over the air.

    Args:
        full_bytes: Initial size of the whole file, from 500 to 5 million bytes.
        patch_bytes: Initial size of the patch, at most as large; by default 30 % of it.
        catalog: Radios, batteries, prices and assumptions; by default the shipped catalogue.

    Raises:
        ValueError: A size is out of range.
    """
    book = load_catalog() if catalog is None else catalog
    check_number("full_bytes", full_bytes, KB * LEAST_KB, KB * MOST_KB)
    patch = 0.3 * full_bytes if patch_bytes is None else patch_bytes
    check_number("patch_bytes", patch, 0.01 * full_bytes, full_bytes)
    links, batteries = tuple(book.radios), tuple(book.batteries)
    controls = [
        LogSlider("full_kb", "whole file", LEAST_KB, MOST_KB, 10, full_bytes / KB, unit="kB"),
        Slider("patch_share", "patch, as a share", 0.01, 1.0, 0.01, patch / full_bytes),
        Choice("link", "link", links, "lte-m" if "lte-m" in links else links[0]),
        Stops("devices", "devices", FLEETS, 10_000),
        Slider("updates_per_month", "updates per month", 0, 30, 1, 1),
        Slider("loss_share", "packets lost", 0.0, 0.9, 0.01, 0.05),
        Choice("battery", "battery", batteries, batteries[0]),
    ]
    note = f"{price_note(book)} Carrier, visits and outdated devices: assumed."
    view = OverTheAirView((WHOLE, PATCH), FLEET_SIZES, note)
    return Explorer(controls, partial(compute_over_the_air, book), view)
