"""A published model as an argument of commands, and what is missing of it said in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployworkbook.commands.folder import existing_workspace_of

if TYPE_CHECKING:
    from deployworkbook.serving.repository.model_repository import ModelRepository

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A published model, or the folder of its versions.")
]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="A version's number.")]
OptionalNumber = Annotated[
    int | None, typer.Argument(metavar="NUMBER", help="A version (default: all).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def repository_of(model: str, folder: Path | None) -> ModelRepository:
    """Open a published model; unlike a publisher, create nothing."""
    from deployworkbook.serving.repository.model_repository import ModelRepository
    from deployworkbook.validation import did_you_mean

    published = existing_workspace_of(folder).published
    for path in (published / model, Path(model)):
        if path.is_dir() and (path.parent == published or path.is_absolute() or "/" in model):
            return ModelRepository(path)
    known = sorted(path.name for path in published.glob("*") if path.is_dir())
    remedy = did_you_mean(model, known) or (
        f"Published: {', '.join(known)}." if known else "Publish one: deployworkbook publish."
    )
    raise FileNotFoundError(f"{model} is no published model. {remedy}")


@contextmanager
def in_words() -> Iterator[None]:
    """Turn a missing version, label or package into an error that the command prints."""
    try:
        yield
    except (LookupError, ModuleNotFoundError) as error:
        raise ValueError(str(error.args[0])) from error
