"""What an update costs a fleet: bytes × link × devices, for whole files and for patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deployworkbook.costs.estimation.over_the_air import (
    DeviceUpdate,
    device_update,
    fleet_costs_usd,
)
from deployworkbook.costs.prices.catalog import Catalog, find
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.formulas.over_the_air import patched_bytes
from deployworkbook.validation import check_integer, check_number

PARTS = ("engineers", "visits", "transfer", "carrier")


@dataclass(frozen=True)
class FleetUpdate:
    """One update of all devices, modelled.

    Args:
        device: What it takes one device.
        device_bytes: Bytes of the file that a device gets, on average.
        devices: Number of devices.
        usd: Cost by part: engineers, visits to devices that fail, transfer out of the cloud, and
            what a carrier charges.
    """

    device: DeviceUpdate
    device_bytes: float
    devices: int
    usd: dict[str, float]

    @property
    def total_usd(self) -> float:
        """Cost of the update."""
        return sum(self.usd.values())

    @property
    def data_usd(self) -> float:
        """Cost of its bytes alone: transfer and carrier."""
        return self.usd["transfer"] + self.usd["carrier"]


def fleet_update(
    full_bytes: float,
    *,
    patch_bytes: float | None = None,
    link: str = "lte-m",
    devices: int = 10_000,
    loss_share: float = 0.05,
    battery: str = "cr2032",
    catalog: Catalog | None = None,
) -> FleetUpdate:
    """Estimate what one update costs a fleet.

    Args:
        full_bytes: Bytes of the whole file, compressed, at least 0.
        patch_bytes: Bytes of the patch; ``None`` to send the whole file. Devices with another
            version than the patch's get the whole file after it.
        link: Catalogue name of the radio that receives.
        devices: Number of devices.
        loss_share: Share of the packets that are lost, and sent again, from 0 to below 1.
        battery: Catalogue name of the battery.
        catalog: Prices and assumptions; by default the shipped catalogue.

    Raises:
        ValueError: A number is out of range, or the catalogue has no such link or battery.

    >>> whole, patch = fleet_update(92_000), fleet_update(92_000, patch_bytes=1_000)
    >>> patch.data_usd < 0.1 * whole.data_usd, patch.usd["engineers"] == whole.usd["engineers"]
    (True, True)
    """
    book = load_catalog() if catalog is None else catalog
    radio = find("radio", book.radios, link)
    cell = find("battery", book.batteries, battery)
    size = check_number("full_bytes", full_bytes, 0)
    if patch_bytes is not None:
        outdated = book.value("outdated_devices_share")
        size = float(patched_bytes(patch_bytes, full_bytes, outdated_share=outdated))
    each = device_update(size, radio, cell, loss_share=loss_share)
    count = check_integer("devices", devices, 1)
    costs = fleet_costs_usd(
        book, np.array([count]), 1, each.link_bytes, charged_share=radio.charged_share
    )
    usd = {name: float(part[0]) for name, part in zip(PARTS, costs, strict=True)}
    return FleetUpdate(each, size, count, usd)
