"""The wheel in a fresh environment: all that a user does first, from pip to a page."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent

pytestmark = pytest.mark.network


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target)]
    subprocess.run([*command, str(REPOSITORY)], check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel, tmp_path_factory, missing):
    """The command, installed from the wheel alone into a new environment, far from the source."""
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    install = [str(environment / "bin" / "pip"), "install", "--quiet"]
    constraints = str(REPOSITORY / "constraints.txt")
    done = subprocess.run(
        [*install, "-c", constraints, str(wheel)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        missing(f"package index to install from ({done.stderr.strip()[-300:]})")
    return environment / "bin" / "deployworkbook"


def call(program, *arguments, folder):
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(
        [str(program), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_carries_lessons_templates_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {path.name for path in (REPOSITORY / "notebooks").glob("*.ipynb")}
    carried = {name.rpartition("/")[2] for name in names if "/notebooks/" in name}
    assert carried == shipped
    assert "deployworkbook/execution/templates/page/style.css" in names
    assert not [name for name in names if "tests" in name or name.startswith("notebooks")]


def test_the_doctor_is_content(program, tmp_path):
    done = call(program, "doctor", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "problem" not in done.stdout


def test_a_lesson_runs_to_its_page(program, tmp_path):
    done = call(program, "run", "04", "--fast", "--html", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert (tmp_path / "deployworkbook-run" / "04_training.html").stat().st_size > 100_000
    listed = call(program, "ledger", folder=tmp_path)
    assert "float32" in listed.stdout
