"""The command ``teach hub``: a class on one server."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, workspace_of
from deployworkbook.commands.prices import PricesFile


def hub(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the hub's files.")],
    names: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The learners, one a line (default: who comes first)."),
    ] = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Who may stop and start all servers; has an account beside the learners'. "
            "Repeatable.",
        ),
    ] = None,
    class_password: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="File with a password for the class, or - to be asked for it; first logins need "
            "it. (Default: each of --names gets a password; without names, one is made up.)",
        ),
    ] = None,
    learners: Annotated[
        int | None,
        typer.Option(metavar="N", help="How many learners (default: as many as names, else 10)."),
    ] = None,
    memory: Annotated[
        str, typer.Option(help="Memory of each learner: 1.3G, in powers of 1024.")
    ] = "1.3G",
    cpu: Annotated[float, typer.Option(help="Cores of each learner at most.")] = 1.0,
    spawner: Annotated[
        str,
        typer.Option(
            help="How servers start: systemd, docker, local, or auto for the strictest that works."
        ),
    ] = "auto",
    shared_models: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Models for all learners, as `preload` has trained them."),
    ] = None,
    address: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    hours: Annotated[float, typer.Option(help="Length of the day, for its price.")] = 8.0,
    prices_file: PricesFile = None,
    folder: Folder = None,
) -> None:
    """Write a JupyterHub configuration for a class, with limits that are enforced.

    Besides: a unit for systemd, files for Docker and for Kubernetes, and a README with commands and
    with what the class needs. Files that you have edited are backed up.
    """
    from deployworkbook.costs.prices.catalog_file import load_catalog
    from deployworkbook.teaching.hub.names import logins, read_names
    from deployworkbook.teaching.hub.obstacles import missing
    from deployworkbook.teaching.hub.settings import (
        HubSettings,
        size_in_bytes,
        spawner_for,
    )
    from deployworkbook.teaching.hub.sums import sums_of
    from deployworkbook.teaching.hub.texts import enforced
    from deployworkbook.teaching.hub.writing import write_hub
    from deployworkbook.workspace.files import full_path

    listed = read_names(names) if names else {}
    teachers = logins(("--teacher", name.strip()) for name in teacher or ())
    settings = HubSettings(
        tuple(listed),
        learners if learners is not None else len(listed) or 10,
        size_in_bytes(memory),
        cpu,
        spawner_for(spawner),
        asks_class_password=class_password is not None or not listed,
        shared_models=full_path(shared_models) if shared_models else None,
        address=address,
        port=port,
        hours=hours,
        teachers=tuple(teachers),
    )
    catalog = load_catalog(prices_file)
    written = write_hub(
        directory,
        settings,
        catalog,
        workspace=workspace_of(folder),
        again=command_again(context),
        class_password=None if class_password is None else read_password(class_password),
    )
    for sentence in written.blockers:
        print(f"This won't work yet: {sentence}")
    for login, given in (listed | teachers).items():
        if given.casefold() != login:
            print(f"{given} logs in as {login}.")
    for name, backup in written.files.backups.items():
        print(f"Your edited {name} is saved as {backup}.")
    print(f"Wrote {written.folder}. Its README.md says what to install and how to start.")
    if written.passwords:
        print(f"Passwords to hand out: {written.passwords} (readable by you only).")
    if written.teachers:
        print(f"Teachers' passwords: {written.teachers} (readable by you only).")
    for name in written.removed:
        print(f"{name} has no account any more. Files of theirs stay.")
    for old in written.old_passwords:
        print(f"Passwords of removed accounts are taken out; the earlier file is {old}.")
    if written.class_password:
        print(f"The class's password: {written.class_password} (readable by you only).")
    for sentence in enforced(settings.spawner):
        print(sentence)
    for sentence in missing(written.folder, settings.spawner):
        print(sentence)
    needs = sums_of(settings, catalog)
    print(
        f"{needs.learners} learners and {len(teachers)} teachers need "
        f"{needs.memory_gib:.1f} GiB of memory and {needs.cores} cores: "
        f"{needs.machines} × {needs.machine.name} at {needs.total_usd:.2f} USD "
        f"for {needs.hours:g} hours, modelled."
    )
    if written.blockers:
        print("The files are written, but the hub won't work yet: see the first lines above.")


def command_again(context: typer.Context) -> str:
    """Return the command as it was given, with full paths; shared models are left out.

    Args:
        context: The command's context.
    """
    from deployworkbook.workspace.files import full_path

    words = ["deployworkbook", "teach", "hub"]
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        if name == "shared_models" or source is None or source.name != "COMMANDLINE":
            continue
        given = context.params[name]
        is_path = isinstance(given, Path) or (name == "class_password" and given != "-")
        for value in given if isinstance(given, (list, tuple)) else [given]:
            text = str(full_path(Path(value))) if is_path else str(value)
            words += (
                [text] if parameter.param_type_name == "argument" else [parameter.opts[0], text]
            )
    return shlex.join(words)


def read_password(source: str) -> str:
    """Read a password from the first line of a file, or ask for it.

    Args:
        source: The file's path, or ``-`` to ask. A password itself would show up in lists of
            processes and in the shell's history.

    Raises:
        OSError: The file can't be read.
    """
    if source == "-":
        return str(typer.prompt("Class password", hide_input=True, confirmation_prompt=True))
    first, *_ = [*Path(source).read_text("utf-8").splitlines(), ""]
    return first.strip()
