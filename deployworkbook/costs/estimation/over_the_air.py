"""What an update over the air takes: bytes, time and energy per device, USD per fleet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.costs.prices.catalog import Catalog, find
from deployworkbook.costs.prices.field_entries import Battery, Radio
from deployworkbook.costs.prices.tiers import cost_in_tiers
from deployworkbook.costs.units import GIB
from deployworkbook.formulas.battery import battery_energy_mj
from deployworkbook.formulas.over_the_air import sendings_per_packet, transfer_s
from deployworkbook.formulas.radio import air_time_s, packet_count, session_energy_mj
from deployworkbook.validation import check_array

Array = NDArray[np.float64]

MB = 1e6


@dataclass(frozen=True)
class DeviceUpdate:
    """What one device needs to receive a file.

    Args:
        link_bytes: Bytes on the link: with headers, and packets that are sent again.
        seconds: Time that it takes, the pauses of the link included.
        energy_mj: Energy of the device's radio.
        battery_share: That energy as a share of the battery.
    """

    link_bytes: float
    seconds: float
    energy_mj: float
    battery_share: float


def device_update(
    size_bytes: float, radio: Radio, battery: Battery, *, loss_share: float
) -> DeviceUpdate:
    """Compute what one device needs to receive a file.

    Args:
        size_bytes: Size of the file, or its mean over the devices.
        radio: What receives it.
        battery: What powers it.
        loss_share: Share of the packets that are lost, and sent again.
    """
    again = float(sendings_per_packet(loss_share))
    packets = float(packet_count(size_bytes, packet_bytes=radio.packet_bytes))
    air_s = again * float(
        air_time_s(
            size_bytes,
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
    return DeviceUpdate(
        link_bytes=again * (size_bytes + packets * radio.header_bytes),
        seconds=radio.session_s + float(transfer_s(air_s, duty_share=radio.duty_share)),
        energy_mj=used_mj,
        battery_share=used_mj / float(battery_energy_mj(battery.capacity_mah, battery.cell_volts)),
    )


def fleet_costs_usd(
    catalog: Catalog,
    devices: ArrayLike,
    updates_per_month: float,
    link_bytes: float,
    *,
    charged_share: float,
) -> tuple[Array, Array, Array, Array]:
    """Return USD per month by part: engineers, visits, transfer out of the cloud, carrier.

    These are lesson 01's: engineers' hours per update, technicians' visits to devices that an
    update leaves unreachable, transfer, and what a carrier charges.

    Args:
        catalog: Prices and assumptions.
        devices: Numbers of devices, shape ``[n]``.
        updates_per_month: Number of updates.
        link_bytes: Bytes on the link per device and update.
        charged_share: Share of the bytes that a carrier charges.
    """
    fleets = check_array("devices", devices, ndim=1, low=0)
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
    return np.full(len(fleets), engineers), visits, cloud, carrier
