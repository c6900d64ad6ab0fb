"""Collect the inputs of an estimate from workload, deployment and catalogue, and replace some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.estimation.deployment import (
    DISCOUNTS,
    NO_BALANCER,
    Deployment,
    check_serving,
)
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.record import FROM_ASSUMPTIONS, FROM_FIGURES
from deployworkbook.costs.estimation.record import NUMERIC as NUMERIC
from deployworkbook.costs.estimation.record import Inputs as Inputs
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.catalog import Catalog, find
from deployworkbook.costs.prices.entries import MachineType, Storage
from deployworkbook.costs.units import COUNTS, GIB, check_quantity, most_of
from deployworkbook.formulas.service_shape import shape_of_times
from deployworkbook.validation import check_array, check_choice, check_number, value_error

Array = NDArray[np.float64]


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
    check_serving(deployment.serving, machine)
    trainer = catalog.machine(deployment.training_machine)
    if trainer.kind == "edge":
        raise value_error("training_machine", received=trainer.name, expected="a cloud machine")
    storage = _serving_storage(deployment, catalog)
    own_logs = deployment.log_storage
    logs = None if own_logs is None else catalog.storage_or_archive(own_logs)
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
        serving=deployment.serving,
        training_usd_per_hour=trainer.price_usd_per_hour,
        replicas=np.nan if deployment.replicas is None else float(deployment.replicas),
        least_replicas=deployment.least_replicas,
        regions=deployment.regions,
        spot_share=deployment.spot_share,
        committed_share=deployment.committed_share,
        commitment_discount_share=catalog.value(DISCOUNTS[deployment.commitment]),
        root_disk_gib=deployment.root_disk_gib,
        disk_usd_per_gib_month=catalog.storage_named("network-ssd").tiers[0].price_usd_per_gib,
        function_mib=np.nan if deployment.function_mib is None else deployment.function_mib,
        devices=deployment.devices,
        public_share=float(deployment.public_ipv4),
        nat_gateways=deployment.nat_gateways,
        log_lines_per_request=deployment.log_lines_per_request,
        extra_operations_per_s=deployment.extra_operations_per_s,
        usd_per_operation_per_s=storage.usd_per_operation_per_s,
        extra_mib_per_s=deployment.extra_mib_per_s,
        usd_per_mib_per_s=storage.usd_per_mib_per_s,
        storage_tiers=storage.tiers,
        storage_minimum_gib=storage.minimum_gib,
        write_usd_per_thousand=storage.write_usd_per_thousand,
        read_usd_per_thousand=storage.read_usd_per_thousand,
        retrieval_usd_per_gib=storage.retrieval_usd_per_gib,
        internet_tiers=find("transfer", catalog.transfer, "internet").tiers,
        zone_usd_per_gib=_only_price(catalog, "between-zones"),
        region_usd_per_gib=_only_price(catalog, "between-regions"),
        queue=deployment.queue,
        **profile_inputs(profile, deployment.measured_speed_ratio),
        **balancer_inputs(deployment.balancer, catalog),
        log_tiers=None if logs is None else logs.tiers,
        name_usd_per_gib=catalog.storage_named("object").tiers[0].price_usd_per_gib,
        **log_inputs(logs),
        **server_inputs(deployment, machine, catalog),
        **machine_inputs(machine),
        **{name: catalog.value(name) for name in (*FROM_FIGURES, *FROM_ASSUMPTIONS)},
    )


def overhead_s(deployment: Deployment, machine: MachineType, catalog: Catalog) -> float:
    """Return the time that a server adds to each prediction, on a reference core.

    On a device the program calls the runtime directly, without a server.
    """
    if machine.kind == "edge":
        return 0.0
    given_ms = deployment.server_overhead_ms
    return (catalog.value("server_overhead_ms") if given_ms is None else given_ms) / 1e3


def server_inputs(
    deployment: Deployment, machine: MachineType, catalog: Catalog
) -> dict[str, float]:
    """Return the server's work per prediction, and the variation of both together.

        v = (v_p s_p² + v_o o²) / (s_p + o)²

    with s_p and v_p of the prediction, and o and v_o of the server: independent times. A profile
    that was measured at a server needs no such assumption.
    """
    profile = deployment.profile
    added = 0.0 if profile.served else overhead_s(deployment, machine, catalog)
    alone = profile.service_ms * deployment.measured_speed_ratio / 1e3
    spread = profile.service_scv * alone**2
    if added:
        spread += catalog.value("server_overhead_scv") * added**2
    return {"server_overhead_s": added, "service_scv": spread / (alone + added) ** 2}


def profile_inputs(profile: Profile, measured_speed_ratio: float) -> dict[str, Any]:
    """Return a profile's inputs, with its times converted to a reference core's."""
    times = profile.service_times_ms
    return {
        "service_s": profile.service_ms * measured_speed_ratio / 1e3,
        "service_shape": shape_of_times(times) if times else None,
        "model_bytes": profile.model_bytes,
        "download_bytes": profile.download_bytes,
        "memory_bytes": profile.memory_bytes,
        "operations_per_prediction": profile.operations_per_prediction,
    }


def balancer_inputs(name: str, catalog: Catalog) -> dict[str, float]:
    """Return a load balancer's inputs; without one, those of one that costs nothing."""
    if name == NO_BALANCER:
        nothing = dict.fromkeys(("balancers", "balancer_usd_per_hour"), 0.0)
        nothing |= dict.fromkeys(("balancer_unit_usd_per_hour", "free_rules"), 0.0)
        units = ("unit_new_connections_per_s", "unit_open_connections", "unit_gb_per_hour")
        return {
            **nothing,
            **dict.fromkeys(units, 1.0),
            "unit_rule_evaluations_per_s": 0.0,
            "charged_between_zones_share": 0.0,
        }
    check_choice("balancer", name, [*catalog.balancers, NO_BALANCER])
    each = catalog.balancer(name)
    return {
        "balancers": 1.0,
        "balancer_usd_per_hour": each.price_usd_per_hour,
        "balancer_unit_usd_per_hour": each.unit_usd_per_hour,
        "unit_new_connections_per_s": each.unit_new_connections_per_s,
        "unit_open_connections": each.unit_open_connections,
        "unit_gb_per_hour": each.unit_gb_per_hour,
        "unit_rule_evaluations_per_s": each.unit_rule_evaluations_per_s,
        "free_rules": each.free_rules,
        "charged_between_zones_share": each.charged_between_zones_share,
    }


def log_inputs(storage: Storage | None) -> dict[str, float]:
    """Return the inputs of the storage for logged requests; ``None`` is that of everything else."""
    names = {
        "log_write_usd_per_thousand": "write_usd_per_thousand",
        "log_minimum_months": "minimum_months",
        "log_index_kib_per_object": "index_kib_per_object",
        "log_name_kib_per_object": "name_kib_per_object",
    }
    return {name: getattr(storage, field, 0.0) for name, field in names.items()}


def machine_inputs(machine: MachineType) -> dict[str, float]:
    """Return a machine's inputs."""
    return {
        "machine_usd_per_hour": machine.price_usd_per_hour,
        "machine_servers": float(machine.servers),
        "machine_memory_bytes": machine.memory_gib * GIB,
        "machine_devices": float(machine.devices),
        "machine_device_memory_bytes": machine.device_memory_gib * GIB,
        "machine_device_watts": machine.device_power_watts,
        "machine_device_idle_watts": machine.device_idle_watts,
        "machine_device_gb_per_s": machine.device_memory_gb_per_s,
        "machine_device_gflops": machine.processor.large_gflops if machine.devices else 0.0,
        "machine_device_call_s": machine.processor.call_ms / 1e3 if machine.devices else 0.0,
        "machine_arm_share": float(machine.processor.architecture == "arm"),
        "machine_vcpus": float(machine.vcpus),
        "machine_watts": machine.power_watts,
        "machine_idle_watts": machine.idle_watts,
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
    if "service_scv" in given:
        given["service_shape"] = None
    return replace(inputs, **given)


def _serving_storage(deployment: Deployment, catalog: Catalog) -> Storage:
    """Return the storage of models and data, which must answer at once and sell what is asked."""
    if deployment.storage in catalog.archives:
        archive = catalog.archives[deployment.storage]
        received = f"{archive.name}, which gives data back after {archive.wait_hours:g} h"
        remedy = "Only logged requests can be kept there: log_storage."
        expected = "storage that answers at once"
        raise value_error("storage", received=received, expected=expected, remedy=remedy)
    storage = catalog.storage_named(deployment.storage)
    sold = {
        "extra_operations_per_s": storage.usd_per_operation_per_s,
        "extra_mib_per_s": storage.usd_per_mib_per_s,
    }
    for name, price in sold.items():
        asked = getattr(deployment, name)
        if asked and not price:
            received = f"{asked:g}, with the storage {storage.name}"
            raise value_error(name, received=received, expected="0: it sells none")
    return storage


def _loads(workload: Workload, autoscaling: bool) -> tuple[Array, Array]:
    if not autoscaling:
        return np.array([workload.peak_ratio]), np.array([1.0])
    # Hours with the same rate need the same number of machines, so compute each rate only once.
    ratios, counts = np.unique(workload.hourly_ratios().round(12), return_counts=True)
    return ratios, counts / counts.sum()


def _only_price(catalog: Catalog, name: str) -> float:
    return find("transfer", catalog.transfer, name).tiers[-1].price_usd_per_gib
