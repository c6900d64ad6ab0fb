"""The ``deployworkbook`` command: parse arguments, call the library, print.

Commands import what they need inside their bodies, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deployworkbook import __version__
from deployworkbook.commands import costs, prices, run, serving, sweep
from deployworkbook.commands.folder import Folder, workspace_of

app = typer.Typer(
    help="An interactive workbook on what it costs to deploy a machine-learning model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; exit with 1 on a failure, 2 on wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(join_parameters(given), prog_name="deployworkbook")
    except (OSError, ValueError, TypeError) as error:
        if os.environ.get("DEPLOYWORKBOOK_DEBUG"):
            raise
        # markup=False: an error may quote a list, whose brackets Rich would take for markup.
        Console(stderr=True).print(f"Error: {in_words(error)}", markup=False, highlight=False)
        sys.exit(1)


def in_words(error: Exception) -> str:
    """Word an error for the terminal; for a file error, name the file and the system's reason.

    >>> in_words(FileNotFoundError(2, "No such file or directory", "prices.toml"))
    'prices.toml: no such file or directory. Choose another path.'
    """
    if isinstance(error, OSError) and error.filename and error.strerror:
        reason = error.strerror[0].lower() + error.strerror[1:]
        return f"{error.filename}: {reason}. Choose another path."
    return str(error)


def join_parameters(arguments: Sequence[str]) -> list[str]:
    """Join the two arguments of ``-p NAME VALUE`` into one, which the parser can repeat.

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
        Path | None, typer.Argument(metavar="[DIR]", help="Folder for your lessons.")
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open a browser window.")
    ] = True,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port (default: first free from 8888)."),
    ] = None,
) -> None:
    """Copy the lessons into your folder and open JupyterLab on the first one.

    Lessons you have edited are left alone; outdated ones are listed.
    The server is reachable from this machine only and asks for the token
    it prints. Press Ctrl-C to stop it.
    """
    from deployworkbook.jupyter.lab import start

    start(workspace_of(folder), port=port, open_browser=browser)


@app.command()
def reset(
    lesson: Annotated[str, typer.Argument(help="Number or name of a lesson, such as 04.")],
    beside: Annotated[
        bool,
        typer.Option("--beside", help="Keep yours and put the shipped version beside it."),
    ] = False,
    folder: Folder = None,
) -> None:
    """Restore a lesson to its shipped version; back up yours first."""
    from deployworkbook.jupyter.lessons import find_lesson, put_beside
    from deployworkbook.jupyter.lessons import reset as restore

    chosen = find_lesson(lesson)
    if beside:
        new = put_beside(workspace_of(folder), chosen)
        print(f"Put the shipped version at {new}. Yours is unchanged.")
        return
    backup = restore(workspace_of(folder), chosen)
    print(f"{chosen.name} is back to its shipped version.")
    if backup:
        print(f"Your version is saved as {backup}.")


@app.command()
def doctor(
    folder: Folder = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="A port that the lab should use.")
    ] = None,
) -> None:
    """Check this machine, and say what to do about what is wrong."""
    from deployworkbook.jupyter.doctor import checks

    marks = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "problem": "[red]problem[/]"}
    console = Console()
    table = Table("check", "", "found", "what to do", box=None, padding=(0, 2, 0, 0))
    with console.status("Looking at this machine"):
        found = list(checks(workspace_of(folder), port=port))
    for check in found:
        table.add_row(check.name, marks[check.status], escape(check.found), escape(check.remedy))
    console.print(table)
    if any(check.status == "problem" for check in found):
        raise typer.Exit(1)


app.command()(run.run)
app.command(**serving.AS_GIVEN)(serving.serve)
app.command()(serving.deploy_files)
app.command()(sweep.sweep)
app.command()(costs.cost)
app.command()(costs.plan)
app.add_typer(prices.app, name="prices")


@app.command()
def ledger(
    every: Annotated[
        bool, typer.Option("--all", help="Every row, not only the newest of each kind.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print all columns as CSV.")] = False,
    folder: Folder = None,
) -> None:
    """Print what has been measured."""
    from deployworkbook.ledger.book import Ledger

    table = Ledger(workspace_of(folder).ledger_path).table(every=every, details=csv)
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
    for row in summary(workspace_of(folder)):
        counts = (row.solved, row.total, row.tries, row.guesses)
        table.add_row(row.lesson, *map(str, counts))
    Console().print(table)
