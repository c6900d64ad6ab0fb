"""What the package loads when it starts."""

import json
import subprocess
import sys

import pytest

HEAVY = ["IPython", "ipywidgets", "jupyterlab", "keras", "matplotlib", "nbformat", "pandas"]
HEAVY += ["papermill", "pip", "scipy", "sklearn", "tensorflow", "tf_keras"]


def loaded_after(statement):
    """The top-level packages that a fresh interpreter has after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(done.stdout)}


def test_the_package_itself_loads_nothing_else():
    bare = loaded_after("pass")
    assert loaded_after("import deployworkbook") - bare == {"deployworkbook"}


@pytest.mark.parametrize(
    "module",
    [
        "formulas.losses",
        "formulas.descent",
        "formulas.quantization",
        "ledger",
        "workspace",
        "cli",
    ],
)
def test_light_modules_load_nothing_heavy(module):
    assert not loaded_after(f"import deployworkbook.{module}") & set(HEAVY)


@pytest.mark.parametrize(
    "module", ["plots.training", "widgets.descent", "exercises", "training.data"]
)
def test_lessons_that_do_not_train_start_without_tensorflow(module):
    heavy = {"tensorflow", "tf_keras", "keras"}
    assert not loaded_after(f"import deployworkbook.{module}") & heavy


def test_the_check_sees_what_is_loaded():
    assert "json" in loaded_after("import json")
