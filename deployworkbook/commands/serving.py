"""Commands about servers: one that serves here, and the files to serve elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, workspace_of

# What the server's own parser reads, its --help too.
AS_GIVEN = {
    "add_help_option": False,
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
}


def serve(context: typer.Context) -> None:
    """Serve SavedModels over TensorFlow Serving's API, gRPC and REST; --help lists its flags.

    The flags are TensorFlow Serving's: --port, --rest_api_port, --model_name, --model_base_path.
    """
    from deployworkbook.serving.embedded.flags import PARENT_VARIABLE, parse
    from deployworkbook.serving.embedded.ports import check_ports

    # Asked before TensorFlow's import, during which the parent may end.
    parent = int(os.environ.pop(PARENT_VARIABLE, os.getppid()))
    options = parse(context.args)
    check_ports(options)

    # Here, since TensorFlow takes seconds to import, and what is wrong should be told at once.
    from deployworkbook.serving.embedded.server import run as run_server

    run_server(options, parent_id=parent)


def deploy_files(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go.")],
    model: Annotated[
        list[str] | None, typer.Option(help="A published model; repeatable; default: all.")
    ] = None,
    repository: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where the models are published, a folder each; default: your workspace's.",
        ),
    ] = None,
    image: Annotated[
        str, typer.Option(metavar="NAME", help="The image's name, with its registry, if any.")
    ] = "deployworkbook-models",
    cpus: Annotated[int, typer.Option(min=1, help="CPUs of a server.")] = 2,
    memory: Annotated[
        int, typer.Option(min=256, metavar="MIB", help="Memory of a server, in MiB.")
    ] = 1024,
    folder: Folder = None,
) -> None:
    """Write what serves your published models elsewhere: Docker, compose and Kubernetes.

    What you have edited is kept in your workspace's backups before it is replaced.
    """
    from deployworkbook.deployment_files.bundle import Bundle, find_models
    from deployworkbook.deployment_files.writing import write

    workspace = workspace_of(folder)
    models = find_models(repository or workspace.published, model or [])
    bundle = Bundle(models, image, cpus=cpus, memory_mib=memory)
    written = write(directory, bundle, workspace=workspace)
    for each in models:
        numbers = ", ".join(str(version.number) for version in each.versions)
        print(f"{each.name}: version {numbers}")
    for path, backup in written.backups.items():
        print(f"Your {path} is kept as {backup}.")
    print(f"{len(written.paths)} files and models are in {directory}; README.md has the commands.")
