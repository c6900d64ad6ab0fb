"""The engine that papermill runs a notebook with: it tells each cell, and sees an early end.

papermill takes ``sys.exit()`` for a success, wherever it stands, and says nothing of the cells that
then never run. Here a notebook that ends itself fails, unless it does so in its last cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any

from nbformat import NotebookNode
from papermill.engines import NBClientEngine

from deployworkbook.execution.outputs import is_counted

# nbclient's tag for a cell that is left out on purpose.
SKIPPED_TAG = "skip-execution"


class EarlyEnd(Exception):  # noqa: N818 (no error of this code: the notebook's own way out)
    """A notebook has ended itself, and cells after it would never run."""


class CellProgress:
    """Which cells of a notebook must run, and which have.

    Args:
        notebook: It, as it is going to run.
    """

    def __init__(self, notebook: NotebookNode) -> None:
        # Looked at once: papermill inserts cells of its own when one has failed.
        self._numbers = list(accumulate(map(int, map(is_counted, notebook.cells))))
        self._left = {index for index, cell in enumerate(notebook.cells) if _runs(cell)}
        self.total = max(self._numbers, default=0)

    def take_reply(self, *, cell_index: int, execute_reply: Mapping[str, Any], **_: object) -> None:
        """Take the kernel's answer to a cell.

        Raises:
            EarlyEnd: The cell ended the notebook, and others have not run.
        """
        self._left.discard(cell_index)
        if self._left and _asks_for_the_end(execute_reply["content"]):
            number = self.number_of(cell_index)
            raise EarlyEnd(f"code cell {number} ended the notebook, and {self._never_ran()}")

    def check_end(self) -> None:
        """Make sure, at the end of a run without an error, that the kernel answered every cell.

        Raises:
            EarlyEnd: It did not.
        """
        if self._left:
            raise EarlyEnd(f"the run ended early, and {self._never_ran()}")

    def number_of(self, cell_index: int) -> int:
        """Count the code cells up to one; see :mod:`deployworkbook.execution.jobs`."""
        return self._numbers[cell_index]

    def _never_ran(self) -> str:
        count = len(self._left)
        return f"{count} code cell{'s' if count != 1 else ''} never ran"


def reporting_engine(
    begin_run: Callable[[NotebookNode, CellProgress], None],
    begin_cell: Callable[[NotebookNode], None],
) -> type[NBClientEngine]:
    """Make papermill's own engine with two listeners.

    Args:
        begin_run: Told of the notebook that is going to run, with its parameters, and of its
            progress.
        begin_cell: Told of each cell, text too, before it runs.
    """

    class ReportingEngine(NBClientEngine):
        """papermill's own engine, which tells the run of each cell."""

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


def _asks_for_the_end(content: Mapping[str, Any]) -> bool:
    """Whether a cell called ``sys.exit()`` and the like, or ``quit`` and ``exit``.

    A ``sys.exit`` with an error's number or text is one, too; papermill makes it an error later,
    which is told better.
    """
    if content["status"] == "error":
        succeeds = content.get("evalue") in {"", "0"}
        return bool(content.get("ename") == "SystemExit" and succeeds)
    return any(each.get("source") == "ask_exit" for each in content.get("payload", []))
