"""What the package loads when it starts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ["IPython", "ipywidgets", "jupyterlab", "keras", "matplotlib", "nbformat", "pandas"]
HEAVY += ["papermill", "pip", "scipy", "sklearn", "tensorflow", "tf_keras"]
PACKAGE = Path(__file__).parent.parent / "deployworkbook"
LIGHT = ["formulas.losses", "formulas.descent", "formulas.quantization", "cli"]
WITHOUT_TENSORFLOW = ["plots.training", "widgets.descent", "training.data"]
FACES = sorted(stub.parent.name for stub in PACKAGE.rglob("__init__.pyi"))


def loaded_after(statement):
    """The top-level packages that a fresh interpreter has after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(done.stdout)}


def test_the_package_itself_loads_nothing_else():
    bare = loaded_after("pass")
    assert loaded_after("import deployworkbook") - bare == {"deployworkbook"}


@pytest.fixture(scope="module")
def loaded_by():
    """What each module loads that those before it didn't, in one interpreter."""
    code = """
import importlib, json, sys
import lazy_loader
loaded = {}
for name in sys.argv[1:]:
    before = set(sys.modules)
    importlib.import_module(f"deployworkbook.{name}")
    loaded[name] = sorted(set(sys.modules) - before)
print(json.dumps(loaded))
"""
    command = [sys.executable, "-c", code, *FACES, *LIGHT, *WITHOUT_TENSORFLOW]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


@pytest.mark.parametrize("face", FACES)
def test_a_face_loads_only_itself(face, loaded_by):
    loaded = loaded_by[face]
    others = [name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names]
    assert set(others) - {"deployworkbook"} == {f"deployworkbook.{face}"}


@pytest.mark.parametrize("module", LIGHT)
def test_light_modules_load_nothing_heavy(module, loaded_by):
    assert not {name.split(".")[0] for name in loaded_by[module]} & set(HEAVY)


@pytest.mark.parametrize("module", WITHOUT_TENSORFLOW)
def test_lessons_that_do_not_train_start_without_tensorflow(module, loaded_by):
    heavy = {"tensorflow", "tf_keras", "keras"}
    assert not {name.split(".")[0] for name in loaded_by[module]} & heavy


def test_the_check_sees_what_is_loaded():
    assert "json" in loaded_after("import json")


def test_a_run_loads_neither_grammars_nor_a_client_of_the_web_which_take_most_of_its_start():
    loaded = loaded_after("import deployworkbook.execution.worker")
    assert not {"lark", "arrow", "requests"} & loaded


def test_the_lab_loads_no_grammars_which_takes_seconds():
    lab = "from deployworkbook.jupyter.schemas import forget_grammars\nforget_grammars()\n"
    # Jupyter's events load arrow themselves.
    assert "lark" not in loaded_after(lab + "import jupyterlab.labapp")
