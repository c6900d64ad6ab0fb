"""The commands that sign a model's versions, and check who signed them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, existing_workspace_of, workspace_of
from deployworkbook.commands.published_model import (
    AsJson,
    Model,
    OptionalNumber,
    in_words,
    repository_of,
)


def sign(
    model: Model,
    number: OptionalNumber = None,
    folder: Folder = None,
) -> None:
    """Sign versions with your key; it is made if there is none.

    The private key is in the folder keys of your workspace, readable by you alone. Servers get the
    public one: serve --trusted_key_file FILE.
    """
    from deployworkbook.serving.signing.keys import signing_key
    from deployworkbook.serving.signing.manifest import sign_folder

    repository = repository_of(model, folder)
    key = signing_key(workspace_of(folder).keys)
    with in_words():
        versions = repository.versions() if number is None else [repository.version(number)]
    for version in versions:
        if damaged := version.damage():
            raise ValueError(
                f"version {version.number} was changed since its publication "
                f"({', '.join(damaged)}), and isn't signed. Publish it again."
            )
        name = repository.base_path.name
        manifest = sign_folder(version.path, key, model=name, number=version.number)
        print(f"Signed version {version.number} of {name}: {len(manifest.files)} files.")
    print(f"Public key: {key.public_path}")


def verify(
    model: Model,
    number: OptionalNumber = None,
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Public key (default: your workspace's)."),
    ] = None,
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Check signatures, and every file against them; exit with 1 if a version fails."""
    from deployworkbook.serving.signing.keys import PUBLIC_NAME, read_public_key
    from deployworkbook.serving.signing.manifest import SignatureError, verify_folder

    repository = repository_of(model, folder)
    trusted = read_public_key(key or existing_workspace_of(folder).keys / PUBLIC_NAME)
    with in_words():
        versions = repository.versions() if number is None else [repository.version(number)]
    found = []
    for version in versions:
        problem = ""
        try:
            verify_folder(version.path, trusted)
        except SignatureError as error:
            problem = str(error)
        found.append({"version": version.number, "is_trusted": not problem, "problem": problem})
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        for each in found:
            said = each["problem"] or "signed by this key, unaltered"
            print(f"version {each['version']}: {said}")
    if any(each["problem"] for each in found):
        raise typer.Exit(1)
