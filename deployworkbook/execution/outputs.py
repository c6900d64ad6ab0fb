"""Read a run's source notebook, clear the output path, and write the executed notebook."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from deployworkbook.jupyter.schemas import forget_grammars
from deployworkbook.workspace.files import moved_to_free_name, write_atomically

forget_grammars()
import nbformat  # noqa: E402 (only after it has less to load)
from nbformat import NotebookNode  # noqa: E402

# papermill removes cells with the first tag when a notebook is rerun, and marks the cell that sets
# the parameters with the second.
NOTE_TAG = "papermill-error-cell-tag"
INJECTED_TAG = "injected-parameters"


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook of format 4.

    Raises:
        ValueError: It is missing, unreadable, not JSON, or not a notebook.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
        if not isinstance(content, dict) or not isinstance(content.get("cells"), list):
            raise ValueError("it has no list of cells")
        if not all(isinstance(cell, dict) for cell in content["cells"]):
            raise ValueError("its cells are not objects")
        notebook: NotebookNode = nbformat.reads(text, as_version=4)
        # papermill needs both; a notebook with neither is assumed to be Python.
        notebook.metadata.setdefault("language_info", {"name": "python"})
        kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
        notebook.metadata.setdefault("kernelspec", kernel)
        return notebook
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror or error}.") from error
    except (ValueError, nbformat.ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"{path} is not a notebook of format 4: {reason}. "
            "Restore it, or open and save it in JupyterLab."
        ) from error


def is_counted(cell: NotebookNode) -> bool:
    """Return whether a cell counts: a code cell other than papermill's parameters cell."""
    return cell.cell_type == "code" and INJECTED_TAG not in cell.metadata.get("tags", [])


def make_room(output: Path) -> Path | None:
    """Clear the path of an executed notebook; return the backup if one was made.

    The output of an earlier run, recognized by papermill's metadata, is removed, so that a file
    found there later is from this run. Any other file is renamed.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    if not output.exists():
        return None
    try:
        is_product = "papermill" in read_notebook(output).metadata
    except ValueError:
        is_product = False
    if is_product:
        output.unlink()
        return None
    return moved_to_free_name(output, output.parent, "backup")


def write_executed(
    notebook: NotebookNode,
    output: Path,
    *,
    failed_cell: int | None,
    error: str,
    warnings: Sequence[str] = (),
) -> None:
    """Write an executed notebook, with notes at the top and at the cell where it ended.

    Args:
        notebook: The notebook; modified in place.
        output: The path to write, atomically.
        failed_cell: Number of the cell in which the run ended, if known.
        error: The error in one line; empty for none.
        warnings: Errors that didn't end the run, one line each.
    """
    notebook.metadata.setdefault("papermill", {})["output_path"] = str(output)
    # papermill's own notes count cells differently, and it writes none for a timeout.
    notebook.cells = [c for c in notebook.cells if NOTE_TAG not in c.metadata.get("tags", [])]
    if warnings:
        lines = "\n".join(f"    {line}" for line in warnings)
        notebook.cells.insert(
            0, _note(f"**Errors in the background that didn't end the run:**\n\n{lines}")
        )
    if error:
        counted = [index for index, cell in enumerate(notebook.cells) if is_counted(cell)]
        where = ""
        if failed_cell is not None and failed_cell <= len(counted):
            where = f" in code cell {failed_cell}"
            notebook.cells.insert(counted[failed_cell - 1], _note("**The run ended here.**"))
        # Indented text is shown verbatim, whatever characters the error contains.
        notebook.cells.insert(0, _note(f"**This run failed{where}:**\n\n    {error}"))
    write_atomically(output, nbformat.writes(notebook))


def _note(text: str) -> NotebookNode:
    note: NotebookNode = nbformat.v4.new_markdown_cell(text, metadata={"tags": [NOTE_TAG]})
    return note
