"""Commands that work for minutes: lessons without a browser, and a grid of compressions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, workspace_of


def run(
    notebooks: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NOTEBOOK]...", help="Numbers, names or files; default: all."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the executed notebooks go.")
    ] = Path("deployworkbook-run"),
    jobs: Annotated[int, typer.Option(min=1, help="How many run at once.")] = 2,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", metavar="NAME VALUE", help="A parameter; repeatable."),
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Each notebook's own small parameters.")
    ] = False,
    html: Annotated[
        bool, typer.Option("--html", help="Also a page of each, and an index, to read offline.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a JUnit XML report.")
    ] = None,
    cell_timeout: Annotated[
        float, typer.Option(metavar="S", help="Seconds that one cell may take.")
    ] = 300,
    timeout: Annotated[
        float, typer.Option(metavar="S", help="Seconds that one notebook may take.")
    ] = 900,
    folder: Folder = None,
) -> None:
    """Run lessons or any notebooks without a browser, in parallel processes.

    Exits with 1 when a notebook fails, and names the cell and the error.
    """
    from deployworkbook.headless import run_notebooks

    given = dict(_name_and_value(text) for text in parameter or [])
    raise typer.Exit(
        run_notebooks(
            notebooks or [],
            workspace=workspace_of(folder),
            out=out,
            workers=jobs,
            parameters=given,
            fast=fast,
            html=html,
            junit=junit,
            cell_timeout_s=cell_timeout,
            timeout_s=timeout,
        )
    )


def sweep(
    bits: Annotated[str, typer.Option(metavar="N,...", help="Of a weight: 4, 8 or both.")] = "4,8",
    sparsity: Annotated[
        str, typer.Option(metavar="S,...", help="Shares of the weights that go, below 1.")
    ] = "0.9,0.95",
    temperature: Annotated[
        str, typer.Option(metavar="T,...", help="At which the student hears its teacher.")
    ] = "2,4",
    dataset: Annotated[str, typer.Option(metavar="NAME", help="auto, mnist or digits.")] = "auto",
    epochs: Annotated[
        int | None, typer.Option(help="Of pruning; by default those of the pipeline.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the model, and of all stages.")] = 0,
    workers: Annotated[
        int | None, typer.Option(help="Processes at once; by default one a core.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A Dask scheduler whose workers are taken instead."),
    ] = None,
    retries: Annotated[int, typer.Option(help="How often a failed point is tried again.")] = 2,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the results as JSON.")
    ] = None,
    folder: Folder = None,
) -> None:
    """Prune and quantize the model at each point of a grid, in parallel processes, and measure it.

    What is in the ledger already is not made again, so a sweep that was stopped goes on. Exits
    with 1 when a point fails for good, and names it.
    """
    from deployworkbook.sweeping import run_sweep

    raise typer.Exit(
        run_sweep(
            bits=bits,
            sparsity=sparsity,
            temperature=temperature,
            dataset=dataset,
            epochs=epochs,
            seed=seed,
            workers=workers,
            scheduler=scheduler,
            retries=retries,
            json_file=json_file,
            workspace=workspace_of(folder),
        )
    )


def _name_and_value(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise ValueError(f"-p: expected NAME VALUE. Received: {text!r}.")
    return name, value
