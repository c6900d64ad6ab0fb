"""What a class needs of a server, and what that costs for a day by the cost model's catalogue."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.entries import MachineType, Storage
from deployworkbook.costs.prices.tiers import mean_usd_per_gib
from deployworkbook.costs.units import SECONDS_PER_MONTH
from deployworkbook.teaching.hub.settings import HubSettings

# Measured on Linux with JupyterHub 6.1: the hub takes 0.1 GiB and its proxy 0.07.
HUB_GIB = 0.2
SYSTEM_GIB = 0.5
# Measured on two cores, five learners of lesson 05: 95 of 100 moves of a slider were answered
# within 0.02 s while the others were idle, within 0.32 s while the other four trained. No promise.
CORES_PER_LEARNER = 0.4
FEWEST_CORES = 2
# The packages, and what the lessons write: models, a ledger, logs, published versions.
PACKAGES_GIB = 5.0
LESSONS_GIB = 1.0
SYSTEM_DISK_GIB = 8.0

DISK = "network-ssd"


@dataclass(frozen=True)
class ClassSums:
    """What a class needs, and its price.

    Args:
        learners: Number of learners.
        memory_gib: Memory of the server, or of all nodes together.
        cores: Cores, likewise.
        disk_gib: Room on disk.
        machine: The cheapest machine that has them.
        machines: How many of it.
        hours: How long the class lasts.
        compute_usd: Price of the machines for that time.
        disk_usd: Price of the disk for that time.
        disk: The kind of disk.
    """

    learners: int
    memory_gib: float
    cores: int
    disk_gib: float
    machine: MachineType
    machines: int
    hours: float
    compute_usd: float
    disk_usd: float
    disk: Storage

    @property
    def total_usd(self) -> float:
        """Price of the day."""
        return self.compute_usd + self.disk_usd


def sums_of(settings: HubSettings, catalog: Catalog, *, learners: int | None = None) -> ClassSums:
    """Add up what a class needs, and find the cheapest machines for it.

    One server is preferred; a class that fits none gets as many equal ones as it needs, which are
    nodes of a Kubernetes cluster.

    Args:
        settings: The class.
        catalog: Machines and prices.
        learners: How many learners, instead of the class's; teachers come on top.
    """
    count = settings.seats if learners is None else learners
    people = count + len(settings.teachers)
    for_all = HUB_GIB + SYSTEM_GIB
    memory = people * settings.memory_gib + for_all
    # No learner gets more than the limit, whatever a core would give.
    share = min(CORES_PER_LEARNER, settings.cpus)
    cores = max(FEWEST_CORES, math.ceil(people * share))
    disk = SYSTEM_DISK_GIB + PACKAGES_GIB + people * LESSONS_GIB
    machine, machines = _cheapest(catalog, memory, cores, for_all, settings.memory_gib)
    storage = catalog.storage_named(DISK)
    hours_per_month = SECONDS_PER_MONTH / 3600
    usd_per_month = float(disk * mean_usd_per_gib(np.asarray(disk), storage.tiers))
    return ClassSums(
        count,
        memory,
        cores,
        disk,
        machine,
        machines,
        settings.hours,
        machines * machine.price_usd_per_hour * settings.hours,
        usd_per_month * settings.hours / hours_per_month,
        storage,
    )


def _cheapest(
    catalog: Catalog, memory_gib: float, cores: int, for_all_gib: float, learner_gib: float
) -> tuple[MachineType, int]:
    """Return the cheapest machine that has it all, else the cheapest number of equal ones."""
    # The lessons' packages were tested on x86.
    candidates = [
        machine
        for machine in catalog.cloud()
        if machine.kind == "cpu"
        and machine.processor.architecture == "x86"
        and machine.memory_gib >= for_all_gib + learner_gib
    ]
    single = [
        machine
        for machine in candidates
        if machine.memory_gib >= memory_gib and machine.vcpus >= cores
    ]
    if single:
        return min(single, key=lambda machine: machine.price_usd_per_hour), 1
    fleets = [
        (
            machine,
            max(
                # Each node holds whole learners, beside a system of its own.
                math.ceil(
                    (memory_gib - for_all_gib)
                    / learner_gib
                    / math.floor((machine.memory_gib - for_all_gib) / learner_gib)
                ),
                math.ceil(cores / machine.vcpus),
            ),
        )
        for machine in candidates
    ]
    return min(fleets, key=lambda fleet: fleet[1] * fleet[0].price_usd_per_hour)
