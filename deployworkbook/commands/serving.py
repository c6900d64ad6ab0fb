"""Commands about servers: one that serves here, and the files to serve elsewhere."""

from __future__ import annotations

import os

import typer

# What the server's own parser reads, its --help too.
AS_GIVEN = {
    "add_help_option": False,
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
}


def serve(context: typer.Context) -> None:
    """Serve SavedModels over TensorFlow Serving's API, gRPC and REST; --help lists its flags.

    The flags are TensorFlow Serving's: --port, --rest_api_port, --model_name, --model_base_path.
    """
    # Before TensorFlow's import: the parent may end meanwhile, and --stop_with_parent should tell.
    parent = os.getppid()
    from deployworkbook.serving.embedded.flags import parse
    from deployworkbook.serving.embedded.ports import check_ports

    options = parse(context.args)
    check_ports(options)

    # Here, since TensorFlow takes seconds to import, and what is wrong should be told at once.
    from deployworkbook.serving.embedded.server import run as run_server

    run_server(options, parent_id=parent)
