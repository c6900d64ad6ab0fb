"""The command ``deployworkbook``: it parses, calls the library, and prints.

Imports stand inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deployworkbook import __version__

if TYPE_CHECKING:
    from deployworkbook.workspace import Workspace

app = typer.Typer(
    help="An interactive workbook on what it costs to deploy a machine-learning model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Folder = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        help="Your folder of lessons. By default the one that this folder belongs to, "
        "else ~/deployworkbook.",
    ),
]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; exit with 1 when something failed, 2 when it was called wrongly."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(join_parameters(given), prog_name="deployworkbook")
    except (OSError, ValueError, TypeError) as error:
        if os.environ.get("DEPLOYWORKBOOK_DEBUG"):
            raise
        # markup=False: an error may quote a list in brackets.
        Console(stderr=True).print(f"Error: {error}", markup=False, highlight=False)
        sys.exit(1)


def join_parameters(arguments: Sequence[str]) -> list[str]:
    """Join ``-p NAME VALUE``, two arguments, into the one that the parser can repeat.

    >>> join_parameters(["run", "04", "-p", "epochs", "2", "--fast"])
    ['run', '04', '-p', 'epochs=2', '--fast']
    """
    joined: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        joined.append(argument)
        if argument in {"-p", "--parameter"}:
            name = next(rest, None)
            value = next(rest, None) if name is not None and name.isidentifier() else None
            if name is not None:
                joined.append(name if value is None else f"{name}={value}")
    return joined


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(f"deployworkbook {__version__}")
        raise typer.Exit


@app.command()
def lab(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Your folder of lessons.")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser window.")
    ] = True,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="By default the first free from 8888.")
    ] = None,
) -> None:
    """Copy the lessons into your folder, and open JupyterLab on the first.

    Lessons that you have edited stay as they are. The server listens on this machine only and asks
    for the token in the address that it prints. Ctrl-C stops it.
    """
    from deployworkbook.lab import start

    raise typer.Exit(start(_workspace(folder), port=port, open_browser=browser))


@app.command()
def reset(
    lesson: Annotated[str, typer.Argument(help="A lesson's number or name, such as 04.")],
    folder: Folder = None,
) -> None:
    """Restore a lesson as it was shipped; keep a backup of yours."""
    from deployworkbook.lessons import find_lesson
    from deployworkbook.lessons import reset as restore

    chosen = find_lesson(lesson)
    backup = restore(_workspace(folder), chosen)
    print(f"{chosen.name} is as it was shipped.")
    if backup:
        print(f"Yours is kept as {backup}.")


@app.command()
def doctor(
    folder: Folder = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="A port that the lab should use.")
    ] = None,
) -> None:
    """Check this machine, and say what to do about what is wrong."""
    from deployworkbook.doctor import checks

    marks = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "problem": "[red]problem[/]"}
    console = Console()
    table = Table("check", "", "found", "what to do", box=None, padding=(0, 2, 0, 0))
    with console.status("Looking at this machine"):
        found = list(checks(_workspace(folder), port=port))
    for check in found:
        table.add_row(check.name, marks[check.status], escape(check.found), escape(check.remedy))
    console.print(table)
    if any(check.status == "problem" for check in found):
        raise typer.Exit(1)


@app.command()
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
            workspace=_workspace(folder),
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


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def serve(context: typer.Context) -> None:
    """Serve SavedModels over TensorFlow Serving's API, gRPC and REST; --help lists its flags.

    The flags are TensorFlow Serving's: --port, --rest_api_port, --model_name, --model_base_path.
    """
    from deployworkbook.serving.embedded.flags import parse
    from deployworkbook.serving.embedded.ports import check_ports

    options = parse(context.args)
    check_ports(options)

    # Here, since TensorFlow takes seconds to import, and what is wrong should be told at once.
    from deployworkbook.serving.embedded.server import run as run_server

    run_server(options)


@app.command()
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
            workspace=_workspace(folder),
        )
    )


@app.command()
def ledger(
    every: Annotated[
        bool, typer.Option("--all", help="Every row, not only the newest of each kind.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print all columns as CSV.")] = False,
    folder: Folder = None,
) -> None:
    """Print what has been measured."""
    from deployworkbook.ledger import Ledger

    table = Ledger(_workspace(folder).ledger_path).table(every=every, details=csv)
    if csv:
        print(table.to_csv(), end="")
    elif table.empty:
        print("The ledger is empty. Lesson 04 writes the first row.")
    else:
        print(table.to_string(na_rep=""))


@app.command()
def progress(folder: Folder = None) -> None:
    """Print which exercises you have solved, and how many guesses you have made."""
    from deployworkbook.exercises.progress import summary

    table = Table("lesson", "solved", "of", "tries", "guesses", box=None, padding=(0, 2, 0, 0))
    for row in summary(_workspace(folder)):
        counts = (row.solved, row.total, row.tries, row.guesses)
        table.add_row(row.lesson, *map(str, counts))
    Console().print(table)


def _workspace(folder: Path | None) -> Workspace:
    from deployworkbook.workspace import Workspace, current_workspace

    if folder is None:
        return current_workspace()
    return Workspace(folder.expanduser().resolve()).create()


def _name_and_value(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise ValueError(f"-p: expected NAME VALUE. Received: {text!r}.")
    return name, value
