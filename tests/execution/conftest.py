"""Small notebooks, and jobs that run them."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from deployworkbook.execution.jobs import Job


@pytest.fixture
def write_notebook(tmp_path):
    """Write a notebook of code cells, preceded by a parameters cell."""

    def write(name, *cells, parameters="a = 1", metadata=None):
        first = new_code_cell(parameters)
        first.metadata["tags"] = ["parameters"]
        body = [c if not isinstance(c, str) else new_code_cell(c) for c in cells]
        notebook = new_notebook(cells=[new_markdown_cell("# A title"), first, *body])
        notebook.metadata.update(metadata or {})
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    return write


@pytest.fixture
def job_of(tmp_path):
    """Return a job for a notebook with its output in another folder."""

    def job(path, *, parameters=None, cell_timeout_s=60, timeout_s=120):
        return Job(path, tmp_path / "out" / path.name, parameters or {}, cell_timeout_s, timeout_s)

    return job


@pytest.fixture
def no_notebook(tmp_path):
    """Write a file that is not a notebook, so that no kernel is started."""

    def write(name, content="{"):
        path = tmp_path / f"{name}.ipynb"
        path.write_text(content)
        return path

    return write
