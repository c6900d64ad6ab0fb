"""The wheel in a fresh environment: all that a user does first, from pip to a page."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from deployworkbook.jupyter.doctor import NAMES

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target)]
    subprocess.run([*command, str(REPOSITORY)], check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel, tmp_path_factory):
    """The command, from the wheel in an environment of its own, far from the source.

    Its dependencies are those of this environment, which were installed by the same declaration;
    that each import is declared, the test of layers checks.
    """
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    (own,) = environment.glob("lib/python*/site-packages")
    (own / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    (environment / "share").symlink_to(Path(sys.prefix) / "share")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    # A copy that is installed here already would seem to be enough.
    install = [*pip, "--no-deps", "--no-index", "--ignore-installed", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return environment / "bin" / "deployworkbook"


def call(program, *arguments, folder):
    # Else matplotlib would list the machine's fonts for each new home.
    fonts = {"MPLCONFIGDIR": os.environ["MPLCONFIGDIR"]}
    environment = fonts | {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(
        [str(program), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_carries_the_whole_package_lessons_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {path.name for path in (REPOSITORY / "notebooks").glob("*.ipynb")}
    carried = {name.rpartition("/")[2] for name in names if "/notebooks/" in name}
    assert carried == shipped
    # Templates, prices, data and stubs as well, without which a user's editor knows no types.
    package = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "deployworkbook").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "deployworkbook/execution/templates/page/style.css" in package
    assert "deployworkbook/costs/__init__.pyi" in package
    assert "deployworkbook/py.typed" in package
    # The versions that passed the tests, from which a teacher makes a folder of wheels.
    assert "deployworkbook/constraints.txt" in names
    assert package <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "notebooks/"))]
    assert not [name for name in names if "/tests/" in name]


def test_it_is_the_wheel_that_runs(program, tmp_path):
    place = "import deployworkbook, sys; print(deployworkbook.__file__.startswith(sys.prefix))"
    done = call(program.with_name("python"), "-c", place, folder=tmp_path)
    assert done.stdout.strip() == "True", done.stderr


def test_the_doctor_is_content(program, tmp_path):
    done = call(program, "doctor", "--json", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert [check["name"] for check in found] == list(NAMES)
    assert [check for check in found if check["status"] == "problem"] == []
    assert "Keras 2." in found[-1]["found"]
    assert all(check["remedy"] for check in found if check["status"] != "ok")


def test_a_lesson_runs_to_its_page(program, tmp_path):
    """One that trains nothing; what the others import, the wheel carries and the doctor tries."""
    done = call(program, "run", "02", "--fast", "--html", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    page = tmp_path / "deployworkbook-run" / "02_loss_functions.html"
    assert page.stat().st_size > 100_000
    listed = call(program, "ledger", folder=tmp_path)
    assert listed.returncode == 0, listed.stderr
