"""The wheel in a fresh environment: all that a user does first, from pip to a page."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

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
    # Without them, a user's type checker and editor know no types and no names of the faces.
    stubs = (REPOSITORY / "deployworkbook").rglob("*.pyi")
    assert {path.relative_to(REPOSITORY).as_posix() for path in stubs} <= set(names)
    assert "deployworkbook/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "notebooks/"))]
    assert not [name for name in names if "/tests/" in name]


def test_it_is_the_wheel_that_runs(program, tmp_path):
    place = "import deployworkbook, sys; print(deployworkbook.__file__.startswith(sys.prefix))"
    done = call(program.with_name("python"), "-c", place, folder=tmp_path)
    assert done.stdout.strip() == "True", done.stderr


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
