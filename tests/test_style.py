"""One formatter, one linter, and types where the project promises them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
# Where nothing is checked a second time, mypy need not write what it would know then; Python need
# not look for garbage, of which mypy leaves little, and which all ends with it.
ONCE = ["--cache-dir", os.devnull] if os.environ.get("CI") else []
UNSEARCHED = """
import gc
from mypy.__main__ import console_entry
gc.disable()
gc.enable = gc.disable
console_entry()
"""


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["-m", "ruff", "check", "."], id="ruff check"),
        pytest.param(["-m", "ruff", "format", "--check", "."], id="ruff format"),
        pytest.param(["-c", UNSEARCHED, *ONCE], id="mypy"),
    ],
)
def test_the_source_passes(command):
    done = subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
