"""The ``deployworkbook`` command: parse arguments, call the library, print.

Commands import what they need inside their bodies, so that ``--help`` answers at once.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.main import get_command

from deployworkbook import __version__
from deployworkbook.commands import (
    cost,
    doctor,
    edge,
    lab,
    ledger,
    monitor,
    patch,
    plan,
    preload,
    prices,
    probe,
    progress,
    run,
    serving,
    submit,
    sweep,
    teach,
    teach_catchup,
    terms,
    tokens,
    versions,
)
from deployworkbook.commands.examples import examples_of

app = typer.Typer(
    help="An interactive workbook on what it costs to deploy a machine-learning model.",
    no_args_is_help=True,
    add_completion=True,
    # Plain help: Rich would keep each docstring's line breaks, and takes longer to load.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    pretty_exceptions_enable=False,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; exit with 1 on a failure, 2 on wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _built()(join_parameters(given), prog_name="deployworkbook")
    except (OSError, ValueError, TypeError) as error:
        if os.environ.get("DEPLOYWORKBOOK_DEBUG"):
            raise
        from rich.console import Console

        # markup=False: an error may quote a list, whose brackets Rich would take for markup.
        Console(stderr=True).print(f"Error: {in_words(error)}", markup=False, highlight=False)
        sys.exit(1)


@functools.cache
def _built() -> Callable[..., Any]:
    """Build the commands once for a process that calls several: it takes as long as a short one."""
    return get_command(app)


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


COMMANDS: dict[str, Callable[..., None]] = {
    "lab": lab.lab,
    "install": lab.install,
    "reset": lab.reset,
    "catchup": teach_catchup.catchup,
    "doctor": doctor.doctor,
    "run": run.run,
    "preload": preload.preload,
    "publish": serving.publish,
    "deploy-files": serving.deploy_files,
    "monitor": monitor.monitor,
    "probe": probe.probe,
    "sweep": sweep.sweep,
    "cost": cost.cost,
    "plan": plan.plan,
    "tokens": tokens.tokens,
    "edge": edge.edge,
    "ledger": ledger.ledger,
    "progress": progress.progress,
    "terms": terms.terms,
    "submit": submit.submit,
}
for name, command in COMMANDS.items():
    app.command(name, epilog=examples_of(name))(command)
app.command(add_help_option=False, context_settings=serving.AS_GIVEN)(serving.serve)
app.add_typer(prices.app, name="prices")
app.add_typer(patch.app, name="patch")
app.add_typer(versions.app, name="versions")
app.add_typer(teach.app, name="teach")
