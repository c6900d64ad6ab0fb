"""Which replies of the kernel count as an early end of the notebook."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from deployworkbook.execution.engine import CellProgress, EarlyEnd

FINE = {"content": {"status": "ok", "payload": []}}
EXIT = {"content": {"status": "error", "ename": "SystemExit", "evalue": "0"}}
BARE_EXIT = {"content": {"status": "error", "ename": "SystemExit", "evalue": ""}}
QUIT = {"content": {"status": "ok", "payload": [{"source": "ask_exit"}]}}
FAILED_EXIT = {"content": {"status": "error", "ename": "SystemExit", "evalue": "1"}}


def progress(*more):
    cells = [new_markdown_cell("# A"), new_code_cell("1"), new_code_cell("2"), *more]
    return CellProgress(new_notebook(cells=cells))


@pytest.mark.parametrize("reply", [EXIT, BARE_EXIT, QUIT])
def test_an_exit_before_the_last_cell_is_an_early_end(reply):
    with pytest.raises(EarlyEnd, match="code cell 1 ended the notebook, and 1 code cell never ran"):
        progress().take_reply(cell_index=1, execute_reply=reply)


@pytest.mark.parametrize("reply", [EXIT, QUIT, FINE])
def test_an_exit_in_the_last_cell_is_a_normal_end(reply):
    skipped = new_code_cell("3", metadata={"tags": ["skip-execution"]})
    run = progress(new_code_cell(" \n"), skipped)
    run.take_reply(cell_index=1, execute_reply=FINE)
    run.take_reply(cell_index=2, execute_reply=reply)
    run.check_end()


def test_an_exit_with_an_error_is_left_to_papermill():
    progress().take_reply(cell_index=1, execute_reply=FAILED_EXIT)


def test_a_run_without_a_reply_to_every_cell_fails():
    run = progress()
    run.take_reply(cell_index=1, execute_reply=FINE)
    with pytest.raises(EarlyEnd, match="1 code cell never ran"):
        run.check_end()


def test_cells_are_numbered_as_in_the_original_notebook():
    injected = new_code_cell("a = 2", metadata={"tags": ["injected-parameters"]})
    cells = [new_code_cell("a = 1"), injected, new_markdown_cell("text"), new_code_cell("3")]
    run = CellProgress(new_notebook(cells=cells))
    cells.insert(0, new_markdown_cell("papermill's note"))
    assert (run.total, run.number_of(3)) == (2, 2)
