"""The assumptions and sources behind an estimate: those that its lines use, and no others.

What an estimate uses is decided by its inputs, so an input that was replaced counts as replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deployworkbook.costs.estimation.deployment import DISCOUNTS, NO_BALANCER, Deployment
from deployworkbook.costs.estimation.record import Inputs
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.entries import Assumption, MachineType, Source

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
# Of devices too small for an estimate's boards: the explorers of batteries and updates use them.
OF_CHIPS = ("image_capture", "cellular", "failed_updates", "outdated_devices")
# Of language models, whose tokens have a model of their own.
OF_TOKENS = ("reached_compute", "accelerator_", "layer_", "tpu_reached")


def assumptions_behind(
    book: Catalog,
    machine: MachineType,
    deployment: Deployment,
    inputs: Inputs,
    values: Mapping[str, Any],
) -> tuple[str | Assumption, ...]:
    """Return the assumptions that an estimate uses: sentences, and entries of the catalogue.

    Args:
        book: Prices and assumptions.
        machine: Machine that serves.
        deployment: Deployment.
        inputs: Inputs of the estimate.
        values: Those of them that were replaced.
    """
    processor, profile = machine.processor, deployment.profile
    said: list[str | Assumption] = []
    if "speed_ratio" not in values:
        said.append(
            f"one core of {processor.name} has {processor.speed_ratio:g} "
            f"({processor.low_ratio:g} to {processor.high_ratio:g}) times the reference core's "
            f"speed: {processor.reason}"
        )
    if "service_s" not in values:
        said.append(
            f"the profile was measured on a core of {deployment.measured_speed_ratio:g} times the "
            "reference core's speed"
        )
    if _is_computed(inputs):
        call_ms = 1e3 * _number(inputs.machine_device_call_s)
        said.append(
            f"{processor.name} reaches {_number(inputs.machine_device_gflops):,g} GFLOP/s, of what "
            f"its data sheet promises, and takes {call_ms:g} ms per call"
        )
    if not _is_edge(inputs) and inputs.serving != "serverless":
        said.append(f"a region's requests arrive at random and {WAITING[inputs.queue]}")
    if profile.threads > 1 and "service_s" not in values:
        said.append(
            f"a prediction occupies one core, though it was measured with up to {profile.threads} "
            "threads"
        )
    unused = (*_unused(inputs), *_exactly_unused(deployment, inputs, values))
    for name, each in book.assumptions.items():
        if not name.startswith(unused) and name not in values:
            said.append(each)
    said += [f"{name} = {value} (yours)" for name, value in values.items()]
    return tuple(said)


def sources_behind(
    book: Catalog,
    machine: MachineType,
    deployment: Deployment,
    inputs: Inputs,
    values: Mapping[str, Any],
) -> tuple[Source, ...]:
    """Return the sources of the prices that an estimate uses.

    Args:
        book: Prices and assumptions.
        machine: Machine that serves.
        deployment: Deployment.
        inputs: Inputs of the estimate.
        values: Those of them that were replaced.
    """
    unused = _unused(inputs)
    named = []
    if not {"machine_usd_per_hour", "device_usd"} & set(values):
        named.append(machine.source)
    if "training_usd_per_hour" not in values:
        named.append(book.machine(deployment.training_machine).source)
    named.append(book.storage_named(deployment.storage).source)
    if deployment.log_storage is not None:
        named.append(book.storage_or_archive(deployment.log_storage).source)
    if machine.device_source is not None:
        named.append(machine.device_source)
    named += [each.source for each in book.transfer.values()]
    if "requests_per_connection" not in unused and deployment.balancer != NO_BALANCER:
        named.append(book.balancer(deployment.balancer).source)
    has_disks = _has_own_machines(inputs) and _number(inputs.root_disk_gib)
    if has_disks and "disk_usd_per_gib_month" not in values:
        named.append(book.storage_named("network-ssd").source)
    committed = _number(inputs.committed_share) and "commitment_discount_share" not in values
    discounts = set(DISCOUNTS.values())
    unused += tuple(discounts - {DISCOUNTS[deployment.commitment]} if committed else discounts)
    for name, each in book.figures.items():
        if not name.startswith(unused) and name not in values:
            named.append(each.source)
    return tuple(dict.fromkeys(named))


def _number(value: Any) -> float:
    """Return an input of a single estimate."""
    return float(np.asarray(value))


def _is_edge(inputs: Inputs) -> bool:
    return _number(inputs.devices) > 0


def _has_own_machines(inputs: Inputs) -> bool:
    return not _is_edge(inputs) and inputs.serving == "machines"


def _is_computed(inputs: Inputs) -> bool:
    """Return whether a prediction's time is the roofline's of a device."""
    return bool(_number(inputs.machine_devices) and _number(inputs.operations_per_prediction))


def _unused(i: Inputs) -> tuple[str, ...]:
    """Return the beginnings of the names that an estimate doesn't use."""
    edge, own = _is_edge(i), _has_own_machines(i)
    has_balancer = own and _number(i.balancers) > 0
    gateways = own and _number(i.nat_gateways) > 0
    without = {
        FUNCTION: i.serving != "serverless",
        BALANCER: not has_balancer,
        ADDRESSES: not (own and (_number(i.public_share) or gateways)),
        LOGS: edge or not _number(i.log_lines_per_request),
        NAT: not gateways,
        MANAGED: i.serving == "machines",
        ("managed_ratio", "managed_gpu", "managed_disk"): i.serving != "managed",
        SPOT: not _number(i.spot_share),
        OF_CLOUD: edge,
        OF_EDGE: not edge,
        OF_BOARDS: not edge,
        OF_CHIPS: True,
        OF_TOKENS: True,
    }
    return tuple(name for names, is_unused in without.items() if is_unused for name in names)


def _exactly_unused(
    deployment: Deployment, i: Inputs, values: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the assumptions that don't matter for a more particular reason."""
    edge, own = _is_edge(i), _has_own_machines(i)
    devices = _number(i.machine_devices) > 0
    charges = _number(i.balancers) * _number(i.charged_between_zones_share) > 0
    served = edge or deployment.profile.served
    given = deployment.server_overhead_ms is not None or "server_overhead_s" in values
    without = {
        "memory_limit_share": i.serving != "serverless",
        "server_overhead_ms": served or given,
        "server_overhead_scv": served or "service_scv" in values,
        "unpublished_tpu_watts": not devices or _number(i.machine_device_watts) > 0,
        "reached_bandwidth": not _is_computed(i),
        "device_idle_share": not devices or _number(i.machine_device_idle_watts) > 0,
        "region_hours": _number(i.regions) == 1,
        "cross_zone": not (own and charges),
        "balancer_zones": not _number(i.balancers),
        "utilisation_limit": i.serving == "serverless",
        "machine_watts": i.serving == "serverless",
    }
    return tuple(name for name, is_unused in without.items() if is_unused)
