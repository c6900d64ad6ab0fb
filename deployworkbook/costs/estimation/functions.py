"""Serverless functions: their memory, their time per request, and whether they hold the objective.

There is no queue: each request gets a copy of the function, at once or after a cold start. So 99 of
100 requests are as fast as the function, unless more than one in a hundred starts cold.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.capacity.replicas import ROUNDING, late_alone
from deployworkbook.costs.capacity.result import PERCENTILE
from deployworkbook.costs.estimation.record import Inputs
from deployworkbook.costs.units import MIB
from deployworkbook.formulas.serverless import cold_start_share, function_time_s

Array = NDArray[np.float64]
# Amazon's functions have from 128 MiB to 10 GiB.
LEAST_MIB, MOST_MIB = 128.0, 10_240.0


def function_mib(i: Inputs) -> Array:
    """Return the memory of the function: as given, or as much as a process needs, and 128 MiB."""
    need = np.asarray(i.memory_bytes) / MIB / i.memory_limit_share
    given = np.asarray(i.function_mib, float)
    return np.asarray(np.where(np.isnan(given), np.maximum(need, LEAST_MIB), given))


def request_s(i: Inputs, core_s: Array) -> Array:
    """Return the time of a request, warm, if a whole core takes ``core_s``."""
    return function_time_s(core_s, function_mib(i), mib_per_core=i.function_core_mib)


def cold_share(i: Inputs) -> Array:
    """Return the share of the requests that start a copy of the function first."""
    return cold_start_share(i.requests_per_s, i.function_warm_s, least_share=i.function_cold_share)


def holds(i: Inputs, core_s: Array) -> NDArray[np.bool_]:
    """Return whether 99 of 100 requests are answered in time, and the process fits.

    With more than 1 % cold starts, the objective must leave time for one.
    """
    time = np.maximum(request_s(i, core_s), 1e-12)
    starts = np.where(cold_share(i) > 1.0 - PERCENTILE, i.function_start_s, 0.0)
    left = np.asarray(i.latency_objective_s) - starts
    late = late_alone(
        np.maximum(left, 0.0) / time, service_scv=i.service_scv, shapes=i.service_shape
    )
    memory = function_mib(i)
    fits = (np.asarray(i.memory_bytes) / MIB <= memory * i.memory_limit_share * (1 + 1e-9)) & (
        memory <= MOST_MIB
    )
    return np.asarray((late <= 1.0 - PERCENTILE + ROUNDING) & (left > 0) & fits)
