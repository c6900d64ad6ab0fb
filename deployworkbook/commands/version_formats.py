"""The commands that take a model's versions to MLflow's format and from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deployworkbook.commands.folder import Folder, workspace_of
from deployworkbook.commands.published_model import Model, Number, in_words, repository_of


def to_mlflow(
    model: Model,
    number: Number,
    target: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write.")],
    folder: Folder = None,
) -> None:
    """Export a version in MLflow's model format, where mlflow is installed."""
    from deployworkbook.serving.repository.mlflow_format import export_to_mlflow

    with in_words():
        path = export_to_mlflow(repository_of(model, folder).version(number), target)
    print(f"Wrote version {number} of {model} to {path}.")


def from_mlflow(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model's name; may be new.")],
    source: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that mlflow's save_model has written.")
    ],
    variant: Annotated[str, typer.Option(help="The variant's name.")] = "",
    folder: Folder = None,
) -> None:
    """Publish a model in MLflow's format as the next version, where mlflow is installed."""
    from deployworkbook.serving.repository.mlflow_format import import_from_mlflow
    from deployworkbook.serving.repository.model_repository import ModelRepository

    repository = ModelRepository(workspace_of(folder).published / model)
    with in_words():
        version = import_from_mlflow(source, repository, variant=variant)
    print(f"Published version {version.number} of {model}, from {source}.")
