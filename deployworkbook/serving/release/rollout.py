"""Bring a repository's versions and labels into a running server, without a failed request."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.api.model_config import ServedModel
from deployworkbook.serving.client.errors import RequestError
from deployworkbook.serving.client.grpc import GrpcClient
from deployworkbook.serving.repository.model_repository import ModelRepository

_POLL_S = 0.05


def roll_out(
    client: GrpcClient, models: Mapping[str, ModelRepository], *, deadline_s: float = 60.0
) -> None:
    """Make a server serve each repository's newest and labelled versions.

    This takes three steps, because a server refuses labels of versions it hasn't loaded, and may
    unload a version before it moves the label. First the new versions are loaded beside the old
    ones, with the labels where they were. Then the labels move. Then the old versions are unloaded.
    Requests by label or for the newest version are answered throughout.

    Args:
        client: A client of the server.
        models: The models to serve, by name; all others are unloaded.
        deadline_s: How long the roll-out may take in total.

    Raises:
        RequestError: The server refused, a version couldn't be loaded, or time ran out.
    """
    until = time.monotonic() + deadline_s
    wanted = {name: repository.served() for name, repository in models.items()}

    def reload(config: Mapping[str, ServedModel]) -> None:
        client.reload_config(config, deadline_s=max(until - time.monotonic(), _POLL_S))

    beside = {
        name: repository.served(_available(client, name)) for name, repository in models.items()
    }
    reload(beside)
    for name, model in wanted.items():
        _wait_for(client, name, model.versions, until)
    reload({name: replace(model, labels=wanted[name].labels) for name, model in beside.items()})
    reload(wanted)


def _available(client: GrpcClient, name: str) -> list[int]:
    try:
        return [status.version for status in client.status(name) if status.is_available]
    except RequestError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return []


def _wait_for(client: GrpcClient, name: str, versions: tuple[int, ...], until: float) -> None:
    while missing := set(versions) - set(_available(client, name)):
        for status in client.status(name):
            if status.version in missing and status.error and status.state == "END":
                said = f"version {status.version} of {name!r} was not loaded: {status.error}"
                remedy = "The labels are as they were. Withdraw the version, or publish another."
                raise RequestError(Code.FAILED_PRECONDITION, said, remedy)
        if time.monotonic() > until:
            numbers = ", ".join(map(str, sorted(missing)))
            said = f"version {numbers} of {name!r} was not loaded in time"
            raise RequestError(Code.DEADLINE_EXCEEDED, said, "Look at the server's log.")
        time.sleep(_POLL_S)
