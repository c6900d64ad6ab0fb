"""Reading and writing the notebooks of a run."""

import nbformat
import pytest

from deployworkbook.execution.outputs import make_room, read_notebook, write_executed


@pytest.mark.parametrize("content", ["{", "{}", "[]", '{"cells": [1]}', '{"cells": []'])
def test_a_file_that_is_not_a_notebook_is_refused_with_a_remedy(no_notebook, content):
    with pytest.raises(ValueError, match=r"is not a notebook of format 4.*JupyterLab"):
        read_notebook(no_notebook("corrupt", content))


def test_an_earlier_result_is_removed_and_any_other_file_is_kept(write_notebook, tmp_path):
    result = tmp_path / "out" / "n.ipynb"
    executed = read_notebook(write_notebook("n"))
    write_executed(executed, result, failed_cell=None, error="")
    assert make_room(result) is None
    assert not result.exists()
    result.write_text("the learner's own")
    assert make_room(result).read_text() == "the learner's own"


def test_warnings_and_the_error_are_noted_at_the_top(write_notebook, tmp_path):
    path = tmp_path / "out.ipynb"
    notebook = read_notebook(write_notebook("n", "1"))
    write_executed(notebook, path, failed_cell=2, error="E: x", warnings=["thread T raised E: y"])
    error, warning, *_ = (cell.source for cell in nbformat.read(path, as_version=4).cells)
    assert "code cell 2" in error
    assert "    thread T raised E: y" in warning
