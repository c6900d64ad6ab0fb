"""The ``sweep`` command: a grid of compression settings, in parallel processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer

from deployworkbook.commands.folder import Folder, workspace_of
from deployworkbook.commands.run import STOPPED

T = TypeVar("T", int, float)


def sweep(
    bits: Annotated[str, typer.Option(metavar="N,...", help="Bits per weight.")] = "4,8",
    sparsity: Annotated[
        str, typer.Option(metavar="S,...", help="Fractions of the weights to prune.")
    ] = "0.9,0.95",
    temperature: Annotated[
        str, typer.Option(metavar="T,...", help="Distillation temperatures.")
    ] = "2,4",
    dataset: Annotated[str, typer.Option(metavar="NAME", help="auto, mnist or digits.")] = "auto",
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of pruning (default: the pipeline's).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed for training and all stages.")] = 0,
    workers: Annotated[
        int | None, typer.Option(help="Processes to run at once (default: one per core).")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Use the workers of this Dask scheduler."),
    ] = None,
    retries: Annotated[int, typer.Option(help="Retries per failed point.")] = 2,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON.")
    ] = None,
    folder: Folder = None,
) -> None:
    """Compress and measure the model at each point of a grid.

    Works in parallel processes. Points already in the ledger are skipped, so a stopped sweep
    resumes. Exits with 1 if a point fails after its retries, and names it.
    """
    from rich.console import Console

    from deployworkbook.commands.sweep_report import SweepDisplay, as_json, print_results
    from deployworkbook.compression.grid import grid
    from deployworkbook.compression.sweep import sweep as run_sweep
    from deployworkbook.validation import check_choice
    from deployworkbook.workspace.files import check_writable, full_path, write_atomically

    if json_file:
        check_writable(json_file)
    source: Literal["auto", "mnist", "digits"]
    source = check_choice("--dataset", dataset, ["auto", "mnist", "digits"])
    points = grid(
        bits=numbers("--bits", bits, int),
        sparsity=numbers("--sparsity", sparsity, float),
        temperature=numbers("--temperature", temperature, float),
    )
    console = Console()
    with SweepDisplay(points, console) as display:
        results = run_sweep(
            points,
            dataset=source,
            epochs=epochs,
            seed=seed,
            workers=workers,
            scheduler=scheduler,
            retries=retries,
            workspace=workspace_of(folder),
            on_result=display.update,
            notice=display.say,
        )
    print_results(results, console)
    if json_file:
        write_atomically(full_path(json_file), as_json(results))
    if any(result.status == "stopped" for result in results):
        raise typer.Exit(STOPPED)
    raise typer.Exit(1 if any(result.status == "failed" for result in results) else 0)


def numbers(name: str, text: str, kind: Callable[[str], T]) -> list[T]:
    """Parse comma-separated numbers.

    Args:
        name: The option's name, for the error.
        text: The option's value.
        kind: ``int`` or ``float``.

    Raises:
        ValueError: A part is not a number of that kind.

    >>> numbers("--sparsity", "0.9, 0.95", float)
    [0.9, 0.95]
    """
    from deployworkbook.validation import value_error

    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        wanted = "whole numbers" if kind is int else "numbers"
        raise value_error(name, received=repr(text), expected=f"comma-separated {wanted}") from None
