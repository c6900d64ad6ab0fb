"""The ``teach`` commands: what a teacher prepares, and what a class needs.

Each command has a module of its own, which is registered here.
"""

from __future__ import annotations

from collections.abc import Callable

import typer

from deployworkbook.commands import (
    teach_catchup,
    teach_collect,
    teach_copy,
    teach_handout,
    teach_hub,
    teach_load,
    teach_plan,
    teach_preflight,
    teach_rehearse,
    teach_waits,
    teach_wheelhouse,
)
from deployworkbook.commands.examples import examples_of

app = typer.Typer(
    help="Prepare and run a class.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

# Name, and the function of its module, such as ``"plan": teach_plan.plan``.
COMMANDS: dict[str, Callable[..., None]] = {
    "copy": teach_copy.copy,
    "hub": teach_hub.hub,
    "load": teach_load.load,
    "collect": teach_collect.collect,
    "preflight": teach_preflight.preflight,
    "handout": teach_handout.handout,
    "plan": teach_plan.plan,
    "rehearse": teach_rehearse.rehearse,
    "waits": teach_waits.waits,
    "wheelhouse": teach_wheelhouse.wheelhouse,
    "catchup": teach_catchup.catchup,
}


@app.callback()
def _teach() -> None:
    pass


for name, command in COMMANDS.items():
    app.command(name, epilog=examples_of(f"teach {name}"))(command)
