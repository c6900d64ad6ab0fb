"""What a kernel holds before TensorFlow: a class on one machine has one for each learner."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from deployworkbook.kernels import InterpreterKernelManager

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
MOST_MB = 200
MEASURE = """
import sys
import psutil
assert "tensorflow" not in sys.modules
print(psutil.Process().memory_info().rss)
"""


@pytest.mark.parametrize("name", ["02_loss_functions", "03_gradient_descent"])
def test_up_to_the_comparing_cell_a_kernel_is_small(name, home, record_property):
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    comparing = next(
        place
        for place, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and "deployworkbook.training" in cell.source
    )
    before = [cell for cell in notebook.cells[:comparing] if cell.cell_type == "code"]
    assert len(before) > 5
    notebook.cells = [*before, new_code_cell(MEASURE)]
    NotebookClient(notebook, timeout=300, kernel_manager_class=InterpreterKernelManager).execute()
    megabytes = int(notebook.cells[-1].outputs[0].text) / 1e6
    record_property("kernel before TensorFlow", f"{megabytes:.0f} MB")
    assert megabytes < MOST_MB
