"""Functions that are paid per request: their time, their memory, and their cold starts.

A function gets a share of a core in proportion to its memory, is billed for memory times time, and
has to start first if no earlier copy of it is waiting.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.whole_numbers import rounded_up
from deployworkbook.validation import check_array, value_error

Array = NDArray[np.float64]
MIB_PER_GIB = 1024.0


def function_time_s(
    core_s: ArrayLike, memory_mib: ArrayLike, *, mib_per_core: ArrayLike = 1769.0
) -> Array:
    """Return how long a function takes for work that a whole core does in some time.

        t = s max(1, M_1 / M)

    Args:
        core_s: s, seconds of one core, at least 0; any shape.
        memory_mib: M, memory of the function in MiB, more than 0.
        mib_per_core: M_1, memory that comes with a whole core: 1,769 with Amazon. One request uses
            one core, so more memory doesn't help.

    Raises:
        ValueError: A number is out of range.

    Source: Amazon, "Configure Lambda function memory": at 1,769 MB a function has the equivalent of
    one vCPU.

    >>> float(function_time_s(0.01, 176.9))  # a tenth of a core
    0.1
    """
    work = check_array("core_s", core_s, low=0)
    memory = check_array("memory_mib", memory_mib, low=0, open_low=True)
    share = check_array("mib_per_core", mib_per_core, low=0, open_low=True) / memory
    return np.asarray(work * np.maximum(1.0, share))


def cold_start_share(
    rate_per_s: ArrayLike, warm_s: ArrayLike, *, least_share: ArrayLike = 0.0
) -> Array:
    """Return the share of the requests that find no waiting copy of the function.

        q = q_0 + (1 - q_0) exp(-λ τ)

    Requests arrive at random, and a copy waits for τ after its last one: a gap longer than τ has
    the probability exp(-λ τ). Even under steady traffic a share q_0 starts cold, as copies are
    replaced and bursts need new ones.

    Args:
        rate_per_s: λ, requests per second, at least 0; any shape.
        warm_s: τ, seconds for which a copy waits, at least 0.
        least_share: q_0, from 0 to 1.

    Raises:
        ValueError: A number is out of range.

    >>> round(float(cold_start_share(1 / 600, 600)), 3)  # a request every ten minutes: e^-1
    0.368
    """
    least = check_array("least_share", least_share, low=0)
    if (least > 1).any():
        raise value_error("least_share", received=f"{least.max():g}", expected="from 0 to 1")
    rate, warm = check_array("rate_per_s", rate_per_s, low=0), check_array("warm_s", warm_s, low=0)
    return np.asarray(least + (1.0 - least) * np.exp(-rate * warm))


def billed_gib_s(
    time_s: ArrayLike, memory_mib: ArrayLike, *, cold_share: ArrayLike = 0.0, start_s: ArrayLike = 0
) -> Array:
    """Return the GiB-seconds that a request is billed for, on average.

        g = M / 1024 · (⌈t⌉_ms + q t_0)

    Time is rounded up to a millisecond; here the mean time is, which is less than a millisecond
    off. Starts are billed as well.

    Args:
        time_s: t, seconds, at least 0; any shape.
        memory_mib: M, MiB, more than 0.
        cold_share: q, share of the requests that start a copy first.
        start_s: t_0, seconds that a start takes.

    Raises:
        ValueError: A number is out of range.

    Source: Amazon, "AWS Lambda pricing", with 512 MB and 1 s: 0.5 GB-seconds.

    >>> float(billed_gib_s(0.2, 512)), float(billed_gib_s(0.0101, 1024))
    (0.1, 0.011)
    """
    billed = rounded_up(check_array("time_s", time_s, low=0) * 1e3) / 1e3
    starts = check_array("cold_share", cold_share, low=0) * check_array("start_s", start_s, low=0)
    memory = check_array("memory_mib", memory_mib, low=0, open_low=True)
    return np.asarray(memory / MIB_PER_GIB * (billed + starts))
