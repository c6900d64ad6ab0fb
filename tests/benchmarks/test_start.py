"""How long the package takes to start, against a bare interpreter in the same run."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "deployworkbook"
FACES = sorted(stub.parent.name for stub in PACKAGE.rglob("__init__.pyi"))

pytestmark = pytest.mark.timing

# Of which the least disturbed counts.
ROUNDS = 6


def start(benchmark, *arguments):
    """Time an interpreter that runs something; return the seconds of the least disturbed round."""
    command = [sys.executable, *arguments]
    benchmark.pedantic(
        subprocess.run, ([*command],), {"check": True, "capture_output": True}, rounds=ROUNDS
    )
    return benchmark.stats.stats.min


@pytest.fixture(scope="module")
def bare_s():
    """The time of an interpreter that does nothing, in the least disturbed round."""
    times = []
    for _ in range(ROUNDS):
        before = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        times.append(time.perf_counter() - before)
    return min(times)


def test_importing_the_package_costs_next_to_nothing(benchmark, bare_s):
    took_s = start(benchmark, "-c", "import deployworkbook")
    benchmark.extra_info["over bare Python (ms)"] = (took_s - bare_s) * 1000
    assert took_s < 2 * bare_s


@pytest.mark.parametrize("face", FACES)
def test_importing_a_face_takes_little_longer_than_starting_python(benchmark, bare_s, face):
    # 50 ms over bare Python is the budget, which is 3 more bare starts of about 17 ms.
    took_s = start(benchmark, "-c", f"import deployworkbook.{face}")
    benchmark.extra_info["over bare Python (ms)"] = (took_s - bare_s) * 1000
    assert took_s < 4 * bare_s


def test_help_answers_at_once(benchmark, bare_s):
    # 0.5 s is the budget, which is 25 times a bare start of 20 ms.
    took_s = start(benchmark, "-m", "deployworkbook", "--help")
    benchmark.extra_info["over bare Python (ms)"] = (took_s - bare_s) * 1000
    assert took_s < 25 * bare_s
