"""All numbers that determine a month's cost, in one flat record; each may be an array.

The core computes with these alone. So a single estimate, a thousand draws from ranges and all
combinations of an advice use the same arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.catalog import Catalog, MachineType, Tier, find
from deployworkbook.costs.units import COUNTS, GIB, check_quantity, most_of
from deployworkbook.validation import check_array, check_number, value_error

Array = NDArray[np.float64]
Number = float | Array


@dataclass(frozen=True)
class Inputs:
    """The numbers that determine a month's cost; a field's name ends with its unit.

    ``load_ratios`` and ``load_shares`` describe the hours of the week: rates as multiples of the
    mean, and the share of the hours with each rate. Tiers are the catalogue's; prices are scaled by
    ``…_price_ratio``.
    """

    # the workload
    requests_per_s: Number
    load_ratios: Array
    load_shares: Array
    request_bytes: Number
    response_bytes: Number
    latency_objective_s: Number
    updates_per_month: Number
    versions_kept: Number
    retrainings_per_month: Number
    training_hours: Number
    training_data_bytes: Number
    logged_share: Number
    logs_kept_months: Number
    # the model
    service_s: Number
    service_scv: Number
    server_overhead_s: Number
    model_bytes: Number
    download_bytes: Number
    memory_bytes: Number
    # the machines
    machine_usd_per_hour: Number
    machine_servers: Number
    machine_memory_bytes: Number
    machine_devices: Number
    machine_device_memory_bytes: Number
    machine_device_watts: Number  # 0 where nobody publishes it
    machine_vcpus: Number
    machine_watts: Number
    speed_ratio: Number
    training_usd_per_hour: Number
    replicas: Number  # NaN for as many as the objective needs
    least_replicas: Number
    regions: Number
    spot_share: Number
    # the edge
    devices: Number
    device_usd: Number
    # storage and transfer
    storage_tiers: tuple[Tier, ...]
    storage_minimum_gib: Number
    write_usd_per_thousand: Number
    read_usd_per_thousand: Number
    retrieval_usd_per_gib: Number
    internet_tiers: tuple[Tier, ...]
    zone_usd_per_gib: Number
    region_usd_per_gib: Number
    # people and energy
    engineer_wage_usd_per_hour: Number
    technician_wage_usd_per_hour: Number
    wages_share: Number
    electricity_usd_per_kwh: Number
    carbon_grams_per_kwh: Number
    # assumptions
    utilisation_limit_share: Number
    memory_limit_share: Number
    spot_discount_share: Number
    spot_overhead_share: Number
    protocol_bytes_per_request: Number
    logged_per_object_ratio: Number
    cross_zone_share: Number
    hours_per_update: Number
    hours_per_retraining: Number
    upkeep_hours_per_month: Number
    region_hours_per_month: Number
    incidents_per_month: Number
    hours_per_incident: Number
    machine_watts_per_vcpu: Number
    unpublished_tpu_watts: Number
    device_life_months: Number
    device_failures_per_year_share: Number
    hours_per_device_visit: Number
    device_hours_per_month: Number
    # changes in prices
    compute_price_ratio: Number = 1.0
    storage_price_ratio: Number = 1.0
    network_price_ratio: Number = 1.0
    wage_ratio: Number = 1.0


# Fields that can't be replaced by a number.
_FIXED = {"load_ratios", "load_shares", "storage_tiers", "internet_tiers"}
NUMERIC = tuple(each.name for each in fields(Inputs) if each.name not in _FIXED)
_FROM_FIGURES = tuple(
    each.name
    for each in fields(Inputs)
    if each.name.startswith(("engineer", "technician", "wages", "electricity", "carbon"))
)
_FROM_ASSUMPTIONS = NUMERIC[
    NUMERIC.index("utilisation_limit_share") : NUMERIC.index("compute_price_ratio")
]


def gather(
    workload: Workload, deployment: Deployment, catalog: Catalog, *, month: int = 0
) -> Inputs:
    """Collect the inputs of an estimate.

    Args:
        workload: Workload.
        deployment: Deployment that serves it.
        catalog: Prices and assumptions.
        month: Months of growth so far.

    Raises:
        ValueError: The catalogue lacks a name, or the deployment mixes cloud and edge.
    """
    machine = catalog.machine(deployment.machine)
    edge = machine.kind == "edge"
    if edge != bool(deployment.devices):
        expected = "at least 1 with an edge board" if edge else "0 with a cloud machine"
        received = f"{deployment.devices} with {machine.name}"
        raise value_error("devices", received=received, expected=expected)
    trainer = catalog.machine(deployment.training_machine)
    if trainer.kind == "edge":
        raise value_error("training_machine", received=trainer.name, expected="a cloud machine")
    storage = catalog.storage_named(deployment.storage)
    profile = deployment.profile
    ratios, shares = _loads(workload, deployment.autoscaling and not edge)
    return Inputs(
        requests_per_s=workload.rate_per_s(month),
        load_ratios=ratios,
        load_shares=shares,
        request_bytes=workload.request_bytes,
        response_bytes=workload.response_bytes,
        latency_objective_s=workload.latency_objective_ms / 1e3,
        updates_per_month=workload.updates_per_month,
        versions_kept=workload.versions_kept,
        retrainings_per_month=workload.retrainings_per_month,
        training_hours=workload.training_hours,
        training_data_bytes=workload.training_data_bytes,
        logged_share=workload.logged_share,
        logs_kept_months=workload.logs_kept_months,
        server_overhead_s=0.0 if profile.served else overhead_s(deployment, machine, catalog),
        training_usd_per_hour=trainer.price_usd_per_hour,
        replicas=np.nan if deployment.replicas is None else float(deployment.replicas),
        least_replicas=deployment.least_replicas,
        regions=deployment.regions,
        spot_share=deployment.spot_share,
        devices=deployment.devices,
        storage_tiers=storage.tiers,
        storage_minimum_gib=storage.minimum_gib,
        write_usd_per_thousand=storage.write_usd_per_thousand,
        read_usd_per_thousand=storage.read_usd_per_thousand,
        retrieval_usd_per_gib=storage.retrieval_usd_per_gib,
        internet_tiers=find("transfer", catalog.transfer, "internet").tiers,
        zone_usd_per_gib=_only_price(catalog, "between-zones"),
        region_usd_per_gib=_only_price(catalog, "between-regions"),
        **profile_inputs(profile, deployment.measured_speed_ratio),
        **machine_inputs(machine),
        **{name: catalog.value(name) for name in (*_FROM_FIGURES, *_FROM_ASSUMPTIONS)},
    )


def overhead_s(deployment: Deployment, machine: MachineType, catalog: Catalog) -> float:
    """Return the time that a server adds to each prediction, on a reference core.

    On a device the program calls the runtime directly, without a server.
    """
    if machine.kind == "edge":
        return 0.0
    given_ms = deployment.server_overhead_ms
    return (catalog.value("server_overhead_ms") if given_ms is None else given_ms) / 1e3


def profile_inputs(profile: Profile, measured_speed_ratio: float) -> dict[str, float]:
    """Return a profile's inputs, with its times converted to a reference core's."""
    return {
        "service_s": profile.service_ms * measured_speed_ratio / 1e3,
        "service_scv": profile.service_scv,
        "model_bytes": profile.model_bytes,
        "download_bytes": profile.download_bytes,
        "memory_bytes": profile.memory_bytes,
    }


def machine_inputs(machine: MachineType) -> dict[str, float]:
    """Return a machine's inputs."""
    return {
        "machine_usd_per_hour": machine.price_usd_per_hour,
        "machine_servers": float(machine.servers),
        "machine_memory_bytes": machine.memory_gib * GIB,
        "machine_devices": float(machine.devices),
        "machine_device_memory_bytes": machine.device_memory_gib * GIB,
        "machine_device_watts": machine.device_power_watts,
        "machine_vcpus": float(machine.vcpus),
        "machine_watts": machine.power_watts,
        "speed_ratio": machine.processor.speed_ratio,
        "device_usd": machine.price_usd,
    }


def check_input(name: str, value: float) -> None:
    """Check an input's name and value; a count may be a mean here, and so fractional.

    Raises:
        ValueError: There is no such input, or the value is NaN or out of range.
        TypeError: The value is not a number.
    """
    find("input", dict.fromkeys(NUMERIC), name)
    if name in COUNTS:
        check_number(name, value, COUNTS[name], most_of(name))
    else:
        check_quantity(name, name, value)


def changed(inputs: Inputs, values: Mapping[str, Any]) -> Inputs:
    """Replace some inputs by other numbers or arrays.

    Raises:
        ValueError: There is no such input, or a value is NaN or out of range; the message names it.
        TypeError: A value is not a number.
    """
    for name, value in values.items():
        array = check_array(name, value)
        check_input(name, float(array.min()))
        check_input(name, float(array.max()))
    given: dict[str, Any] = {name: np.asarray(value, float) for name, value in values.items()}
    return replace(inputs, **given)


def _loads(workload: Workload, autoscaling: bool) -> tuple[Array, Array]:
    if not autoscaling:
        return np.array([workload.peak_ratio]), np.array([1.0])
    # Hours with the same rate need the same number of machines, so compute each rate only once.
    ratios, counts = np.unique(workload.hourly_ratios().round(12), return_counts=True)
    return ratios, counts / counts.sum()


def _only_price(catalog: Catalog, name: str) -> float:
    return find("transfer", catalog.transfer, name).tiers[-1].price_usd_per_gib
