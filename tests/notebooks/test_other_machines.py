"""Lessons on machines that are ten times slower and ten times faster than this one.

A sentence beside a number that a machine computes must hold on all of them. These runs check that
the lessons pass, and print what they print beside their text, for somebody to read:

    pytest -m report -s tests/notebooks/test_other_machines.py
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployworkbook.execution.parameters import fast_parameters
from deployworkbook.jupyter.lessons import catalogue

CLOCK = Path(__file__).with_name("clock")
FACTORS = ("10", "0.1")
# Those that measure times, and say something about them.
LESSONS = [
    lesson for lesson in catalogue() if lesson.name[:2] in {"01", "05", "08", "09", "10", "12"}
]

PROGRAM = """
import subprocess, sys, time
import numpy as np
from sitecustomize import FACTOR, real_ns
from deployworkbook.runtimes.timing import time_batches, time_images

real = []
def predict(images):
    start = real_ns()
    time.sleep(0.001 * FACTOR)
    real.append(real_ns() - start)

images = np.zeros((4, 28, 28), np.float32)
times_ms = time_images(predict, images, repetitions=5, warm_up=1)
assert (1e6 * times_ms >= FACTOR * np.array(real[1:])).all(), (times_ms, real)
real.clear()
times_s = time_batches(predict, images, seconds=0.0, least=3)
assert (1e9 * np.array(times_s) >= FACTOR * np.array(real[1:])).all(), (times_s, real)
program = "import time, sitecustomize; print(time.sleep is not sitecustomize.real_sleep)"
assert subprocess.check_output([sys.executable, "-c", program], text=True) == "True\\n"
"""


def with_clock(factor):
    path = os.pathsep.join(filter(None, (str(CLOCK), os.environ.get("PYTHONPATH", ""))))
    return {"PYTHONPATH": path, "CLOCK_FACTOR": factor}


@pytest.mark.parametrize("factor", FACTORS)
def test_the_clock_reaches_the_benchmark_and_processes_that_it_starts(factor):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | with_clock(factor),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.report
@pytest.mark.timeout(0)
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_the_lesson_passes_and_prints_for_a_reader(lesson, factor, run_lesson, tmp_path):
    offline = {"DEPLOYWORKBOOK_MNIST": "", "KERAS_HOME": str(tmp_path), "HTTPS_PROXY": ""}
    parameters = fast_parameters(lesson.path)
    notebook = run_lesson(lesson, tmp_path, parameters, **offline, **with_clock(factor))
    print(f"\n######## {lesson.name}, all times multiplied by {factor}")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            print(f"\n{cell.source}\n")
        for output in cell.get("outputs", []):
            text = output.get("text", output.get("data", {}).get("text/plain", ""))
            print("".join(f"    | {line}\n" for line in text.splitlines()), end="")
