"""The catalogue's entries: machines, storage, transfer, single figures, and assumptions.

``catalog_file`` reads them from ``catalog.toml`` and from a file of the learner's own.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from deployworkbook.formulas.whole_numbers import rounded_down
from deployworkbook.validation import check_choice

Basis = Literal["seen", "recalled", "own"]
MachineKind = Literal["cpu", "gpu", "tpu", "edge"]
StorageKind = Literal["local-ssd", "network-ssd", "hdd", "object"]

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Source:
    """Where facts come from.

    Args:
        title: What the page or data set is.
        url: Where it is published; empty for a learner's own file.
        date: Of the list, or the day it was read where the list says none.
        region: Where the prices hold.
        basis: ``seen`` when the catalogue was written; ``recalled`` without being read again;
            ``own`` for what a learner gave.
    """

    title: str
    url: str
    date: datetime.date
    region: str
    basis: Basis

    def __str__(self) -> str:
        return f"{self.title} ({self.region}, {self.date:%Y-%m-%d}, {self.basis})"


@dataclass(frozen=True)
class Processor:
    """An assumption: how quick one core or one device is, as a share of the reference core.

    Args:
        name: What machines call it.
        architecture: ``x86``, ``arm``, ``gpu`` or ``tpu``.
        cores_per_vcpu_ratio: 0.5 where two vCPUs are the two threads of one core.
        speed_ratio: Its speed on this workbook's small network, one image a call.
        low_ratio: What it may be at the least.
        high_ratio: What it may be at the most.
        large_gflops: What one core or device reaches on large matrices, 10⁹ operations a second.
        call_ms: What each call takes besides: copies to a device, the launch of its kernels.
        reason: Why this figure.
    """

    name: str
    architecture: Literal["x86", "arm", "gpu", "tpu"]
    cores_per_vcpu_ratio: float
    speed_ratio: float
    low_ratio: float
    high_ratio: float
    large_gflops: float
    call_ms: float
    reason: str


@dataclass(frozen=True)
class MachineType:
    """A machine: rented by the hour, or an edge board that is bought once.

    Args:
        name: As the provider calls it.
        kind: ``cpu``, ``gpu``, ``tpu`` or ``edge``.
        processor: What computes: its cores, or its devices.
        vcpus: As the provider counts them.
        memory_gib: Of the machine.
        source: Where its price comes from.
        devices: GPUs or TPU chips.
        device_memory_gib: Of each of them; what they compute with must fit into it.
        device_power_watts: Of each of them, at full load; 0 where nobody publishes it.
        device_source: Where memory and power of the devices come from.
        price_usd_per_hour: Rented, on demand; 0 for edge.
        price_usd: Bought; 0 for a cloud's.
        power_watts: At full load; 0 for a cloud's, whose price includes it.
    """

    name: str
    kind: MachineKind
    processor: Processor
    vcpus: int
    memory_gib: float
    source: Source
    devices: int = 0
    device_memory_gib: float = 0.0
    device_power_watts: float = 0.0
    device_source: Source | None = None
    price_usd_per_hour: float = 0.0
    price_usd: float = 0.0
    power_watts: float = 0.0

    @property
    def process_memory_gib(self) -> float:
        """Memory that a process which serves has to fit into: of a device, or of the machine."""
        return self.device_memory_gib if self.devices else self.memory_gib

    @property
    def servers(self) -> int:
        """How many requests it computes at once: one a core, or one a device."""
        if self.devices:
            return self.devices
        return max(1, int(rounded_down(self.vcpus * self.processor.cores_per_vcpu_ratio)))


@dataclass(frozen=True)
class Tier:
    """A price for the GiB up to an amount.

    Args:
        price_usd_per_gib: Of what lies in the tier; for storage, in a month.
        up_to_gib: Where it ends; infinite for the last.
    """

    price_usd_per_gib: float
    up_to_gib: float = float("inf")


@dataclass(frozen=True)
class Storage:
    """A kind of storage.

    Args:
        name: What the catalogue calls it.
        kind: ``local-ssd``, ``network-ssd``, ``hdd`` or ``object``.
        tiers: Its price for a GiB in a month.
        throughput_mib_per_s: Of one volume or one connection.
        operations_per_s: Reads of one volume or one prefix.
        source: Where its price comes from.
        minimum_gib: What is paid for at the least.
        write_usd_per_thousand: For a thousand writes.
        read_usd_per_thousand: For a thousand reads.
        retrieval_usd_per_gib: For a GiB read.
    """

    name: str
    kind: StorageKind
    tiers: tuple[Tier, ...]
    throughput_mib_per_s: float
    operations_per_s: float
    source: Source
    minimum_gib: float = 0.0
    write_usd_per_thousand: float = 0.0
    read_usd_per_thousand: float = 0.0
    retrieval_usd_per_gib: float = 0.0


@dataclass(frozen=True)
class Transfer:
    """A way of data that is paid for, such as ``internet`` or ``between-zones``."""

    name: str
    tiers: tuple[Tier, ...]
    source: Source


@dataclass(frozen=True)
class Figure:
    """A single fact; its name ends with its unit."""

    name: str
    value: float
    source: Source


@dataclass(frozen=True)
class Assumption:
    """A figure that nobody published: a value, a range, a reason; its name ends with its unit."""

    name: str
    value: float
    low: float
    high: float
    reason: str

    def __str__(self) -> str:
        return f"{self.name} = {self.value:g} ({self.low:g} to {self.high:g}): {self.reason}"


@dataclass(frozen=True)
class Catalog:
    """All entries, by section and name.

    Args:
        files: Which files it was read from, the shipped one first.
        machines: Cloud machines and edge boards.
        storage: Kinds of storage.
        transfer: Ways of data.
        figures: Single facts.
        processors: Assumed speeds.
        assumptions: What else is assumed.
    """

    files: tuple[str, ...]
    machines: Mapping[str, MachineType] = field(repr=False)
    storage: Mapping[str, Storage] = field(repr=False)
    transfer: Mapping[str, Transfer] = field(repr=False)
    figures: Mapping[str, Figure] = field(repr=False)
    processors: Mapping[str, Processor] = field(repr=False)
    assumptions: Mapping[str, Assumption] = field(repr=False)

    def machine(self, name: str) -> MachineType:
        """Find a machine.

        Raises:
            ValueError: There is none of that name; the nearest is named.
        """
        return find("machine", self.machines, name)

    def storage_named(self, name: str) -> Storage:
        """Find a kind of storage.

        Raises:
            ValueError: There is none of that name; the nearest is named.
        """
        return find("storage", self.storage, name)

    def value(self, name: str) -> float:
        """Return a figure or an assumption.

        Raises:
            ValueError: There is none of that name; the nearest is named.
        """
        if name in self.figures:
            return self.figures[name].value
        return find("assumption", self.assumptions, name).value

    def cloud(self) -> list[MachineType]:
        """List the machines that are rented."""
        return [machine for machine in self.machines.values() if machine.kind != "edge"]


def find(what: str, entries: Mapping[str, Entry], name: str) -> Entry:
    """Return an entry.

    Raises:
        ValueError: There is none of that name; the nearest is named.

    >>> find("machine", {"m6g": 1}, "m6")
    Traceback (most recent call last):
    ...
    ValueError: machine: expected one of 'm6g'. Received: 'm6' (str). Did you mean m6g?
    """
    return entries[check_choice(what, name, entries)]
