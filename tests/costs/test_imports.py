"""Costs load neither TensorFlow nor plotting libraries, so that explorers open at once."""

import subprocess
import sys

HEAVY = ("tensorflow", "tf_keras", "matplotlib", "pandas", "ipywidgets", "scipy")
MODULES = (
    "estimation.model",
    "estimation.uncertainty",
    "estimation.curves",
    "advice.advise",
    "plan.text",
)


def test_nothing_heavy_is_loaded():
    imports = ", ".join(f"deployworkbook.costs.{module}" for module in MODULES)
    code = f"import sys, {imports}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
