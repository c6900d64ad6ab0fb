"""What a kernel holds before TensorFlow: a class on one machine has one for each learner."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from deployworkbook.jupyter.kernels import InterpreterKernelManager

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
MOST_MB = 200
MEASURE = """
import sys
import psutil
assert "tensorflow" not in sys.modules
print(psutil.Process().memory_info().rss)
"""


def megabytes_after(cells):
    """Run cells in a kernel of their own; say what it holds then, without TensorFlow."""
    notebook = nbformat.v4.new_notebook(cells=[*cells, new_code_cell(MEASURE)])
    NotebookClient(notebook, timeout=300, kernel_manager_class=InterpreterKernelManager).execute()
    return int(notebook.cells[-1].outputs[0].text) / 1e6


def code_cells(name):
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_up_to_the_comparing_cell_a_kernel_is_small(home, record_property):
    cells = code_cells("02_loss_functions")
    comparing = next(n for n, cell in enumerate(cells) if "deployworkbook.training" in cell.source)
    assert comparing > 5
    megabytes = megabytes_after(cells[:comparing])
    record_property("kernel before TensorFlow", f"{megabytes:.0f} MB")
    assert megabytes < MOST_MB


def test_the_lesson_on_descent_never_loads_tensorflow(home):
    assert megabytes_after(code_cells("03_gradient_descent")) < MOST_MB


def test_the_lesson_on_costs_never_loads_tensorflow(home):
    # Within it are arrays for the measurement of the memory's speed.
    assert megabytes_after(code_cells("01_deployment_cost")) < 600
