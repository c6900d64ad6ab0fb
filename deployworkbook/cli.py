"""The command ``deployworkbook``: it parses, calls the library, and prints.

Imports stand inside the commands, so that ``--help`` answers at once.
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
    """Run the command; exit with 1 when something failed, 2 when it was called wrongly."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(join_parameters(given), prog_name="deployworkbook")
    except (OSError, ValueError, TypeError) as error:
        if os.environ.get("DEPLOYWORKBOOK_DEBUG"):
            raise
        # markup=False: an error may quote a list in brackets.
        Console(stderr=True).print(f"Error: {in_words(error)}", markup=False, highlight=False)
        sys.exit(1)


def in_words(error: Exception) -> str:
    """Say what an error is about; of a file, its name and what the system says of it.

    >>> in_words(FileNotFoundError(2, "No such file or directory", "prices.toml"))
    'prices.toml: no such file or directory. Choose another path.'
    """
    if isinstance(error, OSError) and error.filename and error.strerror:
        reason = error.strerror[0].lower() + error.strerror[1:]
        return f"{error.filename}: {reason}. Choose another path."
    return str(error)


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

    Lessons that you have edited stay as they are; those that are older than the shipped ones are
    named. The server listens on this machine only and asks
    for the token in the address that it prints. Ctrl-C stops it.
    """
    from deployworkbook.jupyter.lab import start

    start(workspace_of(folder), port=port, open_browser=browser)


@app.command()
def reset(
    lesson: Annotated[str, typer.Argument(help="A lesson's number or name, such as 04.")],
    beside: Annotated[
        bool,
        typer.Option("--beside", help="Leave yours as it is; put the shipped one beside it."),
    ] = False,
    folder: Folder = None,
) -> None:
    """Restore a lesson as it was shipped; keep a backup of yours."""
    from deployworkbook.jupyter.lessons import find_lesson, put_beside
    from deployworkbook.jupyter.lessons import reset as restore

    chosen = find_lesson(lesson)
    if beside:
        print(f"{put_beside(workspace_of(folder), chosen)} is as shipped; yours is as it was.")
        return
    backup = restore(workspace_of(folder), chosen)
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
