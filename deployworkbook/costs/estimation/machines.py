"""How many machines serve, given the latency objective, their cores and their memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.capacity.replicas import replicas_for_all
from deployworkbook.costs.capacity.result import MOST_REPLICAS, PERCENTILE
from deployworkbook.costs.estimation.functions import holds
from deployworkbook.costs.estimation.record import Inputs
from deployworkbook.formulas.roofline import device_time
from deployworkbook.formulas.service_shape import ServiceShape, shape_of_variation
from deployworkbook.formulas.whole_numbers import rounded_down, rounded_up

Array = NDArray[np.float64]


def service_s(inputs: Inputs) -> Array:
    """Return the mean time for which a request occupies a core of the machine.

        s = (prediction + server's work) / speed

    On a GPU or TPU, a prediction whose operations are known takes a call and the roofline's bound,
    ``formulas.roofline.device_time``; the server's work stays that of a core.
    """
    speed = np.asarray(inputs.speed_ratio)
    on_core = (np.asarray(inputs.service_s) + inputs.server_overhead_s) / speed
    operations = np.asarray(inputs.operations_per_prediction, float)
    known = (operations > 0) & (np.asarray(inputs.machine_devices) > 0)
    if not known.any():
        return np.asarray(on_core)
    rate = np.where(known, np.asarray(inputs.machine_device_gflops) * 1e9, 1.0)
    bandwidth = np.asarray(inputs.machine_device_gb_per_s) * 1e9 * inputs.reached_bandwidth_share
    on_device = device_time(
        operations,
        inputs.model_bytes,
        operations_per_s=rate,
        bytes_per_s=np.where(bandwidth > 0, bandwidth, np.inf),
        call_s=inputs.machine_device_call_s,
    )
    served = inputs.server_overhead_s / speed
    return np.asarray(np.where(known, on_device + served, on_core))


def busy_machines(inputs: Inputs) -> Array:
    """Return how many machines the load keeps busy on average, as if each were always full.

        a = λ s / workers

    Spread over N machines, each is busy for the share a / N of the time.
    """
    each = np.maximum(workers(inputs), 1.0)
    return np.asarray(np.asarray(inputs.requests_per_s) * service_s(inputs) / each)


def shape_of(inputs: Inputs) -> ServiceShape:
    """Return the shape of one deployment's service times: as measured, or by their variation."""
    measured: ServiceShape | None = inputs.service_shape
    return (
        shape_of_variation(float(np.asarray(inputs.service_scv))) if measured is None else measured
    )


def workers(inputs: Inputs) -> Array:
    """Return how many requests a machine serves at once: one per core, within its memory.

        workers = min(cores, ⌊memory · limit / memory of a process⌋)

    Functions that are paid per request have no such limit: 1.

    With GPUs or TPUs it is one per device, if a process fits into the device's own memory: the
    host's memory does not help. 0 where not even one process fits.
    """
    if inputs.serving == "serverless":
        return np.ones(np.shape(inputs.memory_bytes))
    limit = inputs.memory_limit_share
    room = np.asarray(inputs.machine_memory_bytes) * limit
    need = np.maximum(np.asarray(inputs.memory_bytes, float), 1.0)
    of_device = rounded_down(np.asarray(inputs.machine_device_memory_bytes) * limit / need)
    on_devices = np.where(of_device >= 1, inputs.machine_servers, 0.0)
    has_devices = np.asarray(inputs.machine_devices) > 0
    on_cores = np.minimum(inputs.machine_servers, rounded_down(room / need))
    return np.asarray(np.where(has_devices, on_devices, on_cores))


def fleet(inputs: Inputs) -> Array:
    """Return the number of machines in all regions, per load; on the edge, the number of boards.

    In the cloud each region has ``replicas``, or as many as it needs:

        at least  λ s / (workers · utilisation limit),  and what M/G/c needs to hold the objective

    Returns:
        The inputs' common shape, then an axis of loads; ``inf`` where no number is enough, the work
        alone needs more than ``MOST_REPLICAS``, a board is too slow for its share of the requests,
        or not even one process fits into memory.
    """
    if inputs.serving == "serverless":
        # No machine of one's own; each request gets a copy of the function.
        able = np.where(holds(inputs, service_s(inputs)), 0.0, np.inf)[..., None]
        return np.asarray(np.broadcast_to(able, (*able.shape[:-1], len(inputs.load_ratios))))
    devices = np.asarray(inputs.devices, float)
    edge = devices > 0
    groups = np.where(edge, np.maximum(devices, 1.0), inputs.regions)
    each = workers(inputs)[..., None]
    asked = np.maximum(each, 1.0)
    load = (np.asarray(inputs.requests_per_s) / groups)[..., None] * inputs.load_ratios
    time = service_s(inputs)[..., None]
    limit = np.asarray(inputs.utilisation_limit_share, float)[..., None]
    busy = rounded_up(load * time / (asked * limit))
    # One impossible case must not stop the others that are computed with it.
    too_much = load * time / asked > MOST_REPLICAS
    held = replicas_for_all(
        np.where(too_much, 0.0, load),
        time,
        shapes=np.asarray(inputs.service_shape, object)[..., None],
        queue=inputs.queue,
        least=np.where(too_much, 1.0, np.maximum(busy, 1.0)),
        latency_objective_s=np.asarray(inputs.latency_objective_s)[..., None],
        service_scv=np.asarray(inputs.service_scv)[..., None],
        percentile=PERCENTILE,
        workers=asked,
    )
    needed = np.where(too_much, np.inf, held)
    given = np.asarray(inputs.replicas, float)[..., None]
    least = np.asarray(inputs.least_replicas, float)[..., None]
    fixed = np.where(np.isfinite(needed), given, np.inf)
    in_region = np.where(np.isnan(given), np.maximum(needed, least), fixed)
    # On the edge a group is one board, which gets no help from others.
    of_group = np.where(edge[..., None], np.where(needed <= 1, 1.0, np.inf), in_region)
    return np.where(each >= 1, of_group * groups[..., None], np.inf)


def needed_at_peak(inputs: Inputs) -> Array:
    """Return the number of machines that the busiest hour needs, even if another number is given.

    If a number is given, ``least_replicas`` is ignored.
    """
    least = np.where(np.isnan(inputs.replicas), inputs.least_replicas, 1.0)
    free = replace(inputs, replicas=np.nan, least_replicas=least)
    return np.asarray(fleet(free)[..., int(np.argmax(inputs.load_ratios))])
