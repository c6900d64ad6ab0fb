"""The explorer of updates over the air: what a fleet's updates take, whole or as patches."""

from __future__ import annotations

from functools import partial

import numpy as np

from deployworkbook.costs.estimation.over_the_air import device_update, fleet_costs_usd
from deployworkbook.costs.prices.catalog import Catalog, find
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.note import price_note
from deployworkbook.formulas.over_the_air import patched_bytes
from deployworkbook.plots.over_the_air import OverTheAirResult, OverTheAirView, Update
from deployworkbook.validation import check_number
from deployworkbook.widgets.controls import Choice, LogSlider, Slider, Stops
from deployworkbook.widgets.explorer import Explorer

KB = 1e3
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
    fleets = np.append(FLEET_SIZES, devices)
    ways = []
    for name, size in sizes.items():
        each = device_update(size, radio, cell, loss_share=loss_share)
        costs = fleet_costs_usd(
            catalog, fleets, updates_per_month, each.link_bytes, charged_share=radio.charged_share
        )
        ways.append(
            Update(
                name=name,
                device_bytes=size,
                link_bytes=each.link_bytes,
                device_s=each.seconds,
                device_mj=each.energy_mj,
                battery_share=each.battery_share,
                costs_usd=tuple(float(part[-1]) for part in costs),
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
