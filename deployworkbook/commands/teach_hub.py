"""The command ``teach hub``: a class on one server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, workspace_of
from deployworkbook.commands.prices import PricesFile


def hub(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the hub's files.")],
    names: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The learners, one a line (default: who comes first)."),
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
    from deployworkbook.teaching.hub.obstacles import obstacles
    from deployworkbook.teaching.hub.settings import (
        HubSettings,
        read_names,
        size_in_bytes,
        spawner_for,
    )
    from deployworkbook.teaching.hub.sums import sums_of
    from deployworkbook.teaching.hub.texts import enforced
    from deployworkbook.teaching.hub.writing import write_hub
    from deployworkbook.workspace.files import full_path

    listed = read_names(names) if names else ()
    settings = HubSettings(
        listed,
        learners if learners is not None else len(listed) or 10,
        size_in_bytes(memory),
        cpu,
        spawner_for(spawner),
        asks_class_password=class_password is not None or not listed,
        shared_models=full_path(shared_models) if shared_models else None,
        address=address,
        port=port,
        hours=hours,
    )
    catalog = load_catalog(prices_file)
    written = write_hub(
        directory,
        settings,
        catalog,
        workspace=workspace_of(folder),
        class_password=None if class_password is None else read_password(class_password),
    )
    for name, backup in written.files.backups.items():
        print(f"Your edited {name} is saved as {backup}.")
    print(f"Wrote {written.folder}. Its README.md says what to install and how to start.")
    if written.passwords:
        print(f"Passwords to hand out: {written.passwords} (readable by you only).")
    if written.class_password:
        print(f"The class's password: {written.class_password} (readable by you only).")
    for sentence in enforced(settings.spawner):
        print(sentence)
    for sentence in obstacles(written.folder, settings.spawner):
        print(sentence)
    needs = sums_of(settings, catalog)
    print(
        f"{needs.learners} learners need {needs.memory_gib:.1f} GiB of memory and {needs.cores} "
        f"cores: {needs.machines} × {needs.machine.name} at {needs.total_usd:.2f} USD "
        f"for {needs.hours:g} hours, modelled."
    )


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
