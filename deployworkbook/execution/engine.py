"""A papermill engine that reports each cell and detects when a notebook ends early.

papermill counts ``sys.exit()`` as a success wherever it occurs, and doesn't mention the cells that
then never run. With this engine, a notebook that exits before its last cell fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any

from nbformat import NotebookNode

from deployworkbook.execution.light_papermill import NBClientEngine
from deployworkbook.execution.outputs import is_counted

# nbclient's tag for a cell that is skipped on purpose.
SKIPPED_TAG = "skip-execution"


class EarlyEnd(Exception):  # noqa: N818 (not an error of this code: the notebook's own way out)
    """A notebook has exited before its last cell."""


class CellProgress:
    """Keep track of which cells of a notebook have run.

    Args:
        notebook: The notebook as it is about to run.
    """

    def __init__(self, notebook: NotebookNode) -> None:
        # Computed once: papermill inserts its own cells after a failure.
        self._numbers = list(accumulate(map(int, map(is_counted, notebook.cells))))
        self._left = {index for index, cell in enumerate(notebook.cells) if _runs(cell)}
        self.total = max(self._numbers, default=0)

    def take_reply(self, *, cell_index: int, execute_reply: Mapping[str, Any], **_: object) -> None:
        """Process the kernel's reply to a cell.

        Raises:
            EarlyEnd: The cell ended the notebook before the other cells ran.
        """
        self._left.discard(cell_index)
        if self._left and _requests_exit(execute_reply["content"]):
            number = self.number_of(cell_index)
            raise EarlyEnd(f"code cell {number} ended the notebook, and {self._never_ran()}")

    def check_end(self) -> None:
        """Check at the end of a run without an error that the kernel replied to every cell.

        Raises:
            EarlyEnd: Some cells never ran.
        """
        if self._left:
            raise EarlyEnd(f"the run ended early, and {self._never_ran()}")

    def number_of(self, cell_index: int) -> int:
        """Return a cell's number, as counted in ``deployworkbook.execution.jobs``."""
        return self._numbers[cell_index]

    def _never_ran(self) -> str:
        count = len(self._left)
        return f"{count} code cell{'s' if count != 1 else ''} never ran"


def reporting_engine(
    begin_run: Callable[[NotebookNode, CellProgress], None],
    begin_cell: Callable[[NotebookNode], None],
) -> type[NBClientEngine]:
    """Return a subclass of papermill's engine that calls two listeners.

    Args:
        begin_run: Called with the notebook about to run, including its parameters, and its
            progress.
        begin_cell: Called before each cell, including text cells.
    """

    class ReportingEngine(NBClientEngine):  # type: ignore[misc]  # papermill has no types
        """papermill's own engine, which also reports each cell."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            progress = CellProgress(nb_man.nb)
            begin_run(nb_man.nb, progress)
            begin = nb_man.cell_start

            def cell_start(cell: NotebookNode, *arguments: Any, **more: Any) -> Any:
                begin_cell(cell)
                return begin(cell, *arguments, **more)

            nb_man.cell_start = cell_start
            options["on_cell_executed"] = progress.take_reply
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    return ReportingEngine


def _runs(cell: NotebookNode) -> bool:
    tags = cell.metadata.get("tags", [])
    return cell.cell_type == "code" and bool(cell.source.strip()) and SKIPPED_TAG not in tags


def _requests_exit(content: Mapping[str, Any]) -> bool:
    """Return whether a cell called ``sys.exit()``, ``quit`` or ``exit``.

    ``sys.exit`` with an error code or text is not counted: papermill reports it as an error, with
    more detail.
    """
    if content["status"] == "error":
        succeeds = content.get("evalue") in {"", "0"}
        return bool(content.get("ename") == "SystemExit" and succeeds)
    return any(each.get("source") == "ask_exit" for each in content.get("payload", []))
