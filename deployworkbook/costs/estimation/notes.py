"""The assumptions and sources behind an estimate: those that its lines use, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployworkbook.costs.estimation.deployment import NO_BALANCER, Deployment
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.entries import MachineType

WAITING = {
    "shared": "wait together for the next free core of any machine (M/G/c)",
    "per replica": "go to a random machine and wait there (a random load balancer)",
}
# Assumptions and figures by what they belong to, by the beginnings of their names.
FUNCTION = ("function_",)
BALANCER = ("requests_per_connection", "connection_s", "routing_rules")
ADDRESSES = ("address_", "balancer_zones")
LOGS = ("log_",)
NAT = ("nat_",)
MANAGED = ("managed_",)
SPOT = ("spot_",)
OF_CLOUD = ("cross_zone", "protocol", "machine_watts", "region")
OF_EDGE = ("device_life", "device_failures", "hours_per_device", "device_hours")
OF_BOARDS = ("technician", "electricity")


def assumptions_behind(
    book: Catalog, machine: MachineType, deployment: Deployment, values: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the assumptions that an estimate uses, each in a sentence.

    Args:
        book: Prices and assumptions.
        machine: Machine that serves.
        deployment: Deployment.
        values: Inputs that were replaced.
    """
    processor, profile = machine.processor, deployment.profile
    said = [
        f"one core of {processor.name} has {processor.speed_ratio:g} "
        f"({processor.low_ratio:g} to {processor.high_ratio:g}) times the reference core's speed: "
        f"{processor.reason}",
        f"the profile was measured on a core of {deployment.measured_speed_ratio:g} times the "
        "reference core's speed",
    ]
    if machine.devices and profile.operations_per_prediction:
        said.append(
            f"{processor.name} reaches {processor.large_gflops:,g} GFLOP/s, of what its data sheet "
            f"promises, and takes {processor.call_ms:g} ms per call"
        )
    if machine.kind != "edge" and deployment.serving != "serverless":
        said.append(f"a region's requests arrive at random and {WAITING[deployment.queue]}")
    if profile.threads > 1:
        said.append(
            f"a prediction occupies one core, though it was measured with up to {profile.threads} "
            "threads"
        )
    unused = (*_unused(machine, deployment), *_exactly_unused(book, machine, deployment))
    for name, each in book.assumptions.items():
        if not name.startswith(unused) and name not in values:
            said.append(str(each))
    said += [f"{name} = {value} (yours)" for name, value in values.items()]
    return tuple(said)


def sources_behind(book: Catalog, machine: MachineType, deployment: Deployment) -> tuple[str, ...]:
    """Return the sources of the prices that an estimate uses.

    Args:
        book: Prices and assumptions.
        machine: Machine that serves.
        deployment: Deployment.
    """
    unused = _unused(machine, deployment)
    named = [machine.source, book.machine(deployment.training_machine).source]
    named.append(book.storage_named(deployment.storage).source)
    if deployment.log_storage is not None:
        named.append(book.storage_or_archive(deployment.log_storage).source)
    if machine.device_source is not None:
        named.append(machine.device_source)
    named += [each.source for each in book.transfer.values()]
    if "requests_per_connection" not in unused:
        named.append(book.balancer(deployment.balancer).source)
    if _has_own_machines(machine, deployment) and deployment.root_disk_gib:
        named.append(book.storage_named("network-ssd").source)
    term = deployment.commitment.split()[0]
    for name, each in book.figures.items():
        is_discount = name.endswith("_discount_share")
        committed = deployment.committed_share and name.startswith(term)
        if not name.startswith(unused) and (committed or not is_discount):
            named.append(each.source)
    return tuple(dict.fromkeys(map(str, named)))


def _has_own_machines(machine: MachineType, deployment: Deployment) -> bool:
    return machine.kind != "edge" and deployment.serving == "machines"


def _unused(machine: MachineType, deployment: Deployment) -> tuple[str, ...]:
    """Return the beginnings of the names that an estimate doesn't use."""
    edge, own = machine.kind == "edge", _has_own_machines(machine, deployment)
    has_balancer = own and deployment.balancer != NO_BALANCER
    gateways = own and deployment.nat_gateways > 0
    without = {
        FUNCTION: deployment.serving != "serverless",
        BALANCER: not has_balancer,
        ADDRESSES: not (own and (deployment.public_ipv4 or gateways)),
        LOGS: edge or not deployment.log_lines_per_request,
        NAT: not gateways,
        MANAGED: deployment.serving == "machines",
        ("managed_ratio", "managed_gpu", "managed_disk"): deployment.serving != "managed",
        SPOT: not deployment.spot_share,
        OF_CLOUD: edge,
        OF_EDGE: not edge,
        OF_BOARDS: not edge,
    }
    return tuple(name for names, is_unused in without.items() if is_unused for name in names)


def _exactly_unused(book: Catalog, machine: MachineType, deployment: Deployment) -> tuple[str, ...]:
    """Return the assumptions that don't matter for a more particular reason."""
    balancer = book.balancers.get(deployment.balancer)
    charges = balancer is not None and balancer.charged_between_zones_share > 0
    edge, own = machine.kind == "edge", _has_own_machines(machine, deployment)
    profile = deployment.profile
    known = not machine.devices or bool(machine.device_power_watts)
    waits = not machine.devices or bool(machine.device_idle_watts)
    served = edge or deployment.server_overhead_ms is not None or deployment.profile.served
    without = {
        "memory_limit_share": deployment.serving != "serverless",
        "server_overhead_ms": served,
        "server_overhead_scv": edge or profile.served,
        "unpublished_tpu_watts": known,
        "reached_bandwidth": not (machine.devices and profile.operations_per_prediction),
        "device_idle_share": waits,
        "region_hours": deployment.regions == 1,
        "cross_zone": not (own and charges),
        "balancer_zones": deployment.balancer == NO_BALANCER,
        "utilisation_limit": deployment.serving == "serverless",
        "machine_watts": deployment.serving == "serverless",
    }
    return tuple(name for name, is_unused in without.items() if is_unused)
