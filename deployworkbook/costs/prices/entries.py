"""The catalogue's entries: machines, storage, balancers, transfer, single figures, assumptions.

Each is a fact with a ``Source``, or an assumption with a range and a reason.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal

from deployworkbook.formulas.whole_numbers import rounded_down

Basis = Literal["seen", "recalled", "own"]
MachineKind = Literal["cpu", "gpu", "tpu", "edge"]
StorageKind = Literal["local-ssd", "network-ssd", "hdd", "object", "archive"]


@dataclass(frozen=True)
class Source:
    """The source of facts.

    Args:
        title: Title of the page or data set.
        url: Address of the page; empty for a learner's own file.
        date: Date of the price list, or the day it was read if the list has no date.
        region: Region in which the prices apply.
        basis: ``seen`` when the catalogue was written, ``recalled`` without reading it again, or
            ``own`` for a learner's figures.
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
    """An assumption: the speed of one core or device, relative to the reference core.

    Args:
        name: Name by which machines refer to it.
        architecture: ``x86``, ``arm``, ``gpu`` or ``tpu``.
        cores_per_vcpu_ratio: Cores per vCPU: 0.5 where two vCPUs are the two threads of one core.
        speed_ratio: Speed on this workbook's small network, one image per call.
        low_ratio: Lower end of its range.
        high_ratio: Upper end of its range.
        large_gflops: Speed of one core or device on large matrices, 10⁹ operations per second.
        call_ms: Overhead per call: copies to a device, launching its kernels.
        reason: Reason for the value.
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
        name: The provider's name for it.
        kind: ``cpu``, ``gpu``, ``tpu`` or ``edge``.
        processor: Its cores or devices.
        vcpus: Number of vCPUs, as the provider counts them.
        memory_gib: Memory of the machine.
        source: Source of its price.
        devices: Number of GPUs or TPU chips.
        device_memory_gib: Memory per device; the model must fit into it.
        device_memory_gb_per_s: Bandwidth of a device's memory, 10⁹ bytes per second; 0 if unknown.
        device_power_watts: Power per device at full load; 0 if unpublished.
        device_idle_watts: Power per device that waits; 0 if unpublished.
        device_source: Source of the devices' memory and power, or of a board's power.
        price_usd_per_hour: On-demand price; 0 for edge boards.
        price_usd: Purchase price; 0 for cloud machines.
        power_watts: Power at full load; 0 for cloud machines, whose price includes it.
        idle_watts: Power of a board that waits; 0 for cloud machines.
    """

    name: str
    kind: MachineKind
    processor: Processor
    vcpus: int
    memory_gib: float
    source: Source
    devices: int = 0
    device_memory_gib: float = 0.0
    device_memory_gb_per_s: float = 0.0
    device_power_watts: float = 0.0
    device_idle_watts: float = 0.0
    device_source: Source | None = None
    price_usd_per_hour: float = 0.0
    price_usd: float = 0.0
    power_watts: float = 0.0
    idle_watts: float = 0.0

    @property
    def process_memory_gib(self) -> float:
        """Memory into which a serving process must fit: a device's, or the machine's."""
        return self.device_memory_gib if self.devices else self.memory_gib

    @property
    def servers(self) -> int:
        """Number of requests that it computes at once: one per core, or one per device."""
        if self.devices:
            return self.devices
        return max(1, int(rounded_down(self.vcpus * self.processor.cores_per_vcpu_ratio)))


@dataclass(frozen=True)
class Tier:
    """A price per GiB up to an amount.

    Args:
        price_usd_per_gib: Price per GiB in the tier; for storage, per month.
        up_to_gib: End of the tier; infinite for the last.
    """

    price_usd_per_gib: float
    up_to_gib: float = float("inf")


@dataclass(frozen=True)
class Storage:
    """A kind of storage.

    Args:
        name: Name in the catalogue.
        kind: ``local-ssd``, ``network-ssd``, ``hdd``, ``object`` or ``archive``.
        tiers: Prices per GiB and month.
        throughput_mib_per_s: Throughput per volume or connection.
        operations_per_s: Reads per second per volume or prefix.
        source: Source of its price.
        minimum_gib: Smallest amount that is billed.
        write_usd_per_thousand: Price per thousand writes.
        read_usd_per_thousand: Price per thousand reads.
        retrieval_usd_per_gib: Price per GiB read.
        usd_per_operation_per_s: Price per month of each operation per second beyond those of
            ``operations_per_s``; 0 if none can be bought.
        usd_per_mib_per_s: Price per month of each MiB/s of throughput beyond
            ``throughput_mib_per_s``; 0 if none can be bought.
        minimum_months: Time for which an archived object is billed at least.
        wait_hours: Time until an archived object can be read.
        index_kib_per_object: What an archived object takes beyond its own size, at the same price.
        name_kib_per_object: What it takes of ordinary object storage besides, at that price.
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
    usd_per_operation_per_s: float = 0.0
    usd_per_mib_per_s: float = 0.0
    minimum_months: float = 0.0
    wait_hours: float = 0.0
    index_kib_per_object: float = 0.0
    name_kib_per_object: float = 0.0


@dataclass(frozen=True)
class Balancer:
    """A load balancer: paid by the hour, and by the dimension of the load that it uses most.

    Args:
        name: Name in the catalogue.
        price_usd_per_hour: Price of an hour.
        unit_usd_per_hour: Price of a capacity unit for an hour.
        unit_new_connections_per_s: What a unit holds: connections opened per second.
        unit_open_connections: Connections open at once.
        unit_gb_per_hour: GB per hour, requests and answers together.
        source: Source of its prices.
        unit_rule_evaluations_per_s: Routing rules evaluated per second; 0 where they are free.
        free_rules: Rules per request that are free.
        charged_between_zones_share: Share of what it sends to other zones that is charged: 0 or 1.
    """

    name: str
    price_usd_per_hour: float
    unit_usd_per_hour: float
    unit_new_connections_per_s: float
    unit_open_connections: float
    unit_gb_per_hour: float
    source: Source
    unit_rule_evaluations_per_s: float = 0.0
    free_rules: float = 0.0
    charged_between_zones_share: float = 1.0


@dataclass(frozen=True)
class Transfer:
    """A kind of data transfer that is paid for, such as ``internet`` or ``between-zones``."""

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
    """An unpublished figure: a value, a range and a reason; its name ends with its unit."""

    name: str
    value: float
    low: float
    high: float
    reason: str

    def __str__(self) -> str:
        return f"{self.name} = {self.value:g} ({self.low:g} to {self.high:g}): {self.reason}"
