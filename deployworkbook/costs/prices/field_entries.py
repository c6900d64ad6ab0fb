"""The catalogue's entries for devices in the field: radios and batteries."""

from __future__ import annotations

from dataclasses import dataclass

from deployworkbook.costs.prices.entries import Source


@dataclass(frozen=True)
class Radio:
    """A radio link of a small device: how fast it is, and what it draws.

    Args:
        name: Name in the catalogue.
        bits_per_s: Bits per second while it sends or receives.
        packet_bytes: Payload of a packet at most.
        header_bytes: What each packet carries besides, preamble included.
        supply_volts: Voltage at which the currents hold.
        transmit_ma: Current while it sends.
        receive_ma: Current while it receives.
        session_s: Time that each session takes besides its packets.
        session_mj: Energy that each session takes besides its packets.
        duty_share: Share of the time in which a sender may send, by law or by the network; 1 where
            nothing limits it.
        charged_share: Share of its data that a carrier charges for: 0 or 1.
        reason: How a session's time and energy come about.
        source: Source of speeds and currents.
    """

    name: str
    bits_per_s: float
    packet_bytes: float
    header_bytes: float
    supply_volts: float
    transmit_ma: float
    receive_ma: float
    session_s: float
    session_mj: float
    duty_share: float
    charged_share: float
    reason: str
    source: Source


@dataclass(frozen=True)
class Battery:
    """A battery, or several in series.

    Args:
        name: Name in the catalogue.
        capacity_mah: Charge at a small load, down to the voltage at which devices stop.
        cell_volts: Nominal voltage of all cells together.
        self_discharge_share_per_year: Share of the charge that a year in the drawer takes.
        most_ma: Largest current, for a moment.
        source: Source of these figures.
    """

    name: str
    capacity_mah: float
    cell_volts: float
    self_discharge_share_per_year: float
    most_ma: float
    source: Source
