"""Costs against the plain loop: advice over all combinations, curves and draws as one array.

Each ratio is measured within its test, the two sides in turn, so that a busy machine slows both.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from deployworkbook.costs.advice.advise import advise
from deployworkbook.costs.estimation.curves import total_along
from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.inputs import gather
from deployworkbook.costs.estimation.parts import month_of
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.uncertainty import simulate
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.catalog_file import load_catalog

pytestmark = pytest.mark.timing

VARIANTS, RUNTIMES = 20, 5


@pytest.fixture(scope="module")
def profiles():
    """20 variants in 5 runtimes, from microseconds to tens of milliseconds."""
    generator = np.random.default_rng(0)
    return [
        Profile(
            f"variant {variant}",
            f"runtime {runtime}",
            float(10 ** generator.uniform(-2, 1.5)),
            float(generator.uniform(0, 1)),
            float(generator.uniform(0.9, 0.99)),
            float(10 ** generator.uniform(4, 6)),
            float(10 ** generator.uniform(4, 6)),
            float(10 ** generator.uniform(8, 9.3)),
        )
        for variant in range(VARIANTS)
        for runtime in range(RUNTIMES)
    ]


def shortest(function, rounds):
    """The shortest of some runs, in seconds."""
    times = []
    for _ in range(rounds):
        began = perf_counter()
        function()
        times.append(perf_counter() - began)
    return min(times)


@pytest.mark.parametrize("rate", [1.0, 100.0, 10_000.0])
def test_advice_over_all_combinations_against_the_plain_loop(benchmark, profiles, rate):
    catalog, workload = load_catalog(), Workload(rate)
    machines = [machine.name for machine in catalog.cloud()]
    assert len(machines) >= 30
    few = machines[::7]

    def loop():
        return [
            float(month_of(gather(workload, Deployment(profile, machine=name), catalog)).cost_usd)
            for profile in profiles[::10]
            for name in few
        ]

    benchmark.group = "advice"
    with threadpool_limits(1):
        advise(workload, profiles), loop()
        took_s = benchmark.pedantic(lambda: advise(workload, profiles), rounds=7) and min(
            benchmark.stats.stats.data
        )
        share = len(few) * len(profiles[::10]) / (len(machines) * len(profiles))
        ratio = shortest(loop, 3) / share / took_s
    benchmark.extra_info["combinations"] = len(machines) * len(profiles)
    benchmark.extra_info["ratio to the plain loop"] = round(ratio, 1)
    print(f"{rate:g}/s: {took_s * 1e3:.0f} ms, {ratio:.0f} times as fast as the plain loop")
    assert ratio > 20
    # The budget, on a machine that has nothing else to do. Seen: 10 to 25 ms.
    assert took_s < 0.2


def test_a_curve_against_the_plain_loop(benchmark, profiles):
    deployment, rates = Deployment(profiles[0]), np.geomspace(1, 1e4, 200)
    catalog = load_catalog()

    def loop():
        return [
            float(month_of(gather(Workload(rate), deployment, catalog)).cost_usd)
            for rate in rates[::10].tolist()
        ]

    curve = total_along("requests_per_s", rates, Workload(1.0), deployment)
    np.testing.assert_allclose(curve[::10], loop(), rtol=1e-12)
    with threadpool_limits(1):
        benchmark.pedantic(
            lambda: total_along("requests_per_s", rates, Workload(1.0), deployment), rounds=9
        )
        ratio = 10 * shortest(loop, 3) / min(benchmark.stats.stats.data)
    benchmark.extra_info["ratio to the plain loop"] = round(ratio, 1)
    assert ratio > 10


def test_draws_against_the_plain_loop(benchmark, profiles):
    deployment, catalog = Deployment(profiles[0]), load_catalog()
    inputs = gather(Workload(100.0), deployment, catalog)
    with threadpool_limits(1):
        benchmark.pedantic(lambda: simulate(Workload(100.0), deployment, samples=2000), rounds=5)
        ratio = 2000 * shortest(lambda: month_of(inputs), 20) / min(benchmark.stats.stats.data)
    benchmark.extra_info["ratio to the plain loop"] = round(ratio, 1)
    assert ratio > 20
