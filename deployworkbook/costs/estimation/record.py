"""All numbers that determine a month's cost, in one flat record; each may be an array.

The core computes with these alone. So a single estimate, a thousand draws from ranges and all
combinations of an advice use the same arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.estimation.deployment import Serving
from deployworkbook.costs.prices.entries import Tier

Array = NDArray[np.float64]
Number = float | Array


@dataclass(frozen=True)
class Inputs:
    """The numbers that determine a month's cost; a field's name ends with its unit.

    ``load_ratios`` and ``load_shares`` describe the hours of the week: rates as multiples of the
    mean, and the share of the hours with each rate. ``serving`` says what serves the requests.
    Tiers are the catalogue's; prices are scaled by ``…_price_ratio``.
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
    operations_per_prediction: Number  # 0 if it isn't known
    # what serves
    serving: Serving
    # the machines
    machine_usd_per_hour: Number
    machine_servers: Number
    machine_memory_bytes: Number
    machine_devices: Number
    machine_device_memory_bytes: Number
    machine_device_watts: Number  # 0 where nobody publishes it
    machine_device_idle_watts: Number  # likewise
    machine_device_gb_per_s: Number  # likewise
    machine_device_gflops: Number
    machine_device_call_s: Number
    machine_arm_share: Number  # 1 for Arm, 0 for x86
    machine_vcpus: Number
    machine_watts: Number
    machine_idle_watts: Number
    speed_ratio: Number
    training_usd_per_hour: Number
    replicas: Number  # NaN for as many as the objective needs
    least_replicas: Number
    regions: Number
    spot_share: Number
    committed_share: Number
    commitment_discount_share: Number
    root_disk_gib: Number
    disk_usd_per_gib_month: Number
    function_mib: Number  # NaN for as much as a process needs
    # the edge
    devices: Number
    device_usd: Number
    # between the clients and the machines
    balancers: Number  # per region
    balancer_usd_per_hour: Number
    balancer_unit_usd_per_hour: Number
    unit_new_connections_per_s: Number
    unit_open_connections: Number
    unit_gb_per_hour: Number
    unit_rule_evaluations_per_s: Number  # 0 where rules are free
    free_rules: Number
    charged_between_zones_share: Number
    public_share: Number  # 1 if balancer or machines have public IPv4 addresses
    nat_gateways: Number  # per region
    log_lines_per_request: Number
    # storage and transfer
    storage_tiers: tuple[Tier, ...]
    log_tiers: tuple[Tier, ...] | None  # None where the logs are kept with everything else
    log_write_usd_per_thousand: Number
    log_minimum_months: Number
    log_index_kib_per_object: Number
    log_name_kib_per_object: Number
    name_usd_per_gib: Number
    extra_operations_per_s: Number
    usd_per_operation_per_s: Number
    extra_mib_per_s: Number
    usd_per_mib_per_s: Number
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
    address_usd_per_hour: Number
    nat_usd_per_hour: Number
    nat_usd_per_gib: Number
    log_intake_usd_per_gib: Number
    log_store_usd_per_gib_month: Number
    log_free_gib: Number
    managed_ratio: Number
    managed_gpu_ratio: Number
    managed_disk_usd_per_gib_month: Number
    function_usd_per_million: Number
    function_usd_per_gib_s: Number
    function_arm_usd_per_gib_s: Number
    function_free_requests: Number
    function_free_gib_s: Number
    function_core_mib: Number
    # assumptions
    utilisation_limit_share: Number
    memory_limit_share: Number
    spot_discount_share: Number
    spot_overhead_share: Number
    balancer_zones: Number
    requests_per_connection: Number
    connection_s: Number
    routing_rules: Number
    log_line_bytes: Number
    log_store_months: Number
    function_warm_s: Number
    function_cold_share: Number
    function_start_s: Number
    managed_upkeep_share: Number
    reached_bandwidth_share: Number
    device_idle_share: Number
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
    # how requests wait
    service_shape: Any = None  # of the service times; None for that of their variation
    queue: str = "shared"


# Fields that can't be replaced by a number.
_FIXED = {
    "load_ratios",
    "load_shares",
    "serving",
    "storage_tiers",
    "log_tiers",
    "internet_tiers",
    "service_shape",
    "queue",
}
NUMERIC = tuple(each.name for each in fields(Inputs) if each.name not in _FIXED)
FROM_FIGURES = NUMERIC[
    NUMERIC.index("engineer_wage_usd_per_hour") : NUMERIC.index("utilisation_limit_share")
]
FROM_ASSUMPTIONS = NUMERIC[
    NUMERIC.index("utilisation_limit_share") : NUMERIC.index("compute_price_ratio")
]
