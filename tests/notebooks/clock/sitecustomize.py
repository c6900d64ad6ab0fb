"""Make a machine seem several times slower or faster: its clock runs as many times as fast.

Python imports this module at the start of each process that has its folder on ``PYTHONPATH``, so it
reaches kernels, the processes in which models load, servers, and the generator of their load. All
that they measure with ``perf_counter`` is multiplied; deadlines and dates keep their time. Only
tests set it: the package knows nothing of it.
"""

import os
import time

FACTOR = float(os.environ.get("CLOCK_FACTOR", "1"))

real_ns = time.perf_counter_ns
real_sleep = time.sleep


def _perf_counter() -> float:
    return FACTOR * real_ns() / 1e9


def _perf_counter_ns() -> int:
    return int(FACTOR * real_ns())


def _sleep(seconds: float) -> None:
    # A request that is due in a second by this clock is due in a tenth of it by the real one.
    real_sleep(seconds / FACTOR)


if FACTOR != 1:
    time.perf_counter, time.perf_counter_ns, time.sleep = _perf_counter, _perf_counter_ns, _sleep
