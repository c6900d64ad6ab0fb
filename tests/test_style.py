"""One formatter, one linter, and types where the project promises them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
# Where nothing is checked a second time, mypy need not write what it would know then.
ONCE = ["--no-incremental"] if os.environ.get("CI") else []


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy", *ONCE],
    ],
    ids=" ".join,
)
def test_the_source_passes(command):
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
