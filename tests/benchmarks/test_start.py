"""How long the package takes to start, against a bare interpreter in the same run."""

import statistics
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.timing


def start(benchmark, *arguments):
    """Time an interpreter that runs something; return the median in seconds."""
    command = [sys.executable, *arguments]
    benchmark.pedantic(
        subprocess.run, ([*command],), {"check": True, "capture_output": True}, rounds=10
    )
    return benchmark.stats.stats.median


@pytest.fixture(scope="module")
def bare_s():
    """The median time of an interpreter that does nothing."""
    times = []
    for _ in range(10):
        before = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        times.append(time.perf_counter() - before)
    return statistics.median(times)


def test_importing_the_package_costs_next_to_nothing(benchmark, bare_s):
    # 50 ms over bare Python is the budget; a bare start takes about 10 to 20 ms.
    took_s = start(benchmark, "-c", "import deployworkbook")
    benchmark.extra_info["over bare Python (ms)"] = (took_s - bare_s) * 1000
    assert took_s < 2 * bare_s


def test_help_answers_at_once(benchmark, bare_s):
    # 0.5 s is the budget, which is 25 times a bare start of 20 ms.
    took_s = start(benchmark, "-m", "deployworkbook", "--help")
    benchmark.extra_info["over bare Python (ms)"] = (took_s - bare_s) * 1000
    assert took_s < 25 * bare_s
