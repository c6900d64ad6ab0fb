"""The models and versions that are loaded, and the requests that use them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path

from deployworkbook.serving.embedded.config import ModelConfig
from deployworkbook.serving.embedded.errors import Code, ServingError, invalid
from deployworkbook.serving.embedded.servable import Servable

# How many unloaded models to remember; clients may configure models of any name.
MOST_ENDED = 200


class VersionState(IntEnum):
    """A version's state, with the API's numbers."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(eq=False)
class Version:
    """A version of a model, from when it was first seen."""

    number: int
    path: Path
    state: VersionState = VersionState.START
    error: ServingError | None = None
    servable: Servable | None = None
    running: int = 0
    tries: int = 0
    next_try: float = 0.0

    @property
    def waits(self) -> bool:
        """Whether it still has to be loaded, for the first time or after a failure."""
        return self.state in (VersionState.START, VersionState.LOADING)


@dataclass(eq=False)
class Model:
    """A model of the config."""

    config: ModelConfig
    versions: dict[int, Version] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    wanted: list[int] = field(default_factory=list)

    def available(self) -> list[int]:
        """List the numbers of the available versions, newest first."""
        serving = (v.number for v in self.versions.values() if v.state == VersionState.AVAILABLE)
        return sorted(serving, reverse=True)


class _Loan(AbstractContextManager[Servable]):
    """A version lent to a request."""

    def __init__(self, catalogue: Catalogue, version: Version) -> None:
        self._catalogue = catalogue
        self._version = version

    def __enter__(self) -> Servable:
        return self._version.servable  # type: ignore[return-value]

    def __exit__(self, *_: object) -> None:
        with self._catalogue.changed:
            self._version.running -= 1
            if self._version.state == VersionState.UNLOADING:
                self._catalogue.changed.notify_all()


class Catalogue:
    """The models that requests can use; the manager changes them, holding ``changed``."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.models: dict[str, Model] = {}
        self.ended: dict[str, Model] = {}

    def servable(
        self, name: str, version: int | None = None, label: str | None = None
    ) -> AbstractContextManager[Servable]:
        """Lend a version to a request; it stays loaded until the block ends.

        Args:
            name: The model's name.
            version: The version's number; ``None`` for the newest available one.
            label: A label instead of the number.

        Raises:
            ServingError: There is no such model, version or label.
        """
        return _Loan(self, self._taken(name, version, label))

    def names(self) -> list[str]:
        """List the names of the models that have an available version."""
        with self.changed:
            return sorted(name for name, model in self.models.items() if model.available())

    def status(self, name: str, version: int | None = None) -> list[Version]:
        """List the state of a model's versions, newest first.

        Raises:
            ServingError: There is no such model or version.
        """
        with self.changed:
            model = self.models.get(name) or self.ended.get(name)
            known = dict(model.versions) if model else {}
            if version is None and not known:
                raise ServingError(Code.NOT_FOUND, f"Could not find any versions of model {name}")
            if version is not None and version not in known:
                raise ServingError(
                    Code.NOT_FOUND, f"Could not find version {version} of model {name}"
                )
            chosen = sorted(known, reverse=True) if version is None else [version]
            return [replace(known[number]) for number in chosen]

    def keep_ended(self, models: Iterable[Model]) -> None:
        """Remember the last unloaded models that had a version, for ``status``."""
        for model in models:
            self.ended.pop(model.config.name, None)
            if model.versions:
                self.ended[model.config.name] = model
        for name in list(self.ended)[:-MOST_ENDED]:
            del self.ended[name]

    def _taken(self, name: str, number: int | None, label: str | None) -> Version:
        with self.changed:
            model = self.models.get(name)
            if label is not None:
                number = model.labels.get(label) if model else None
                if number is None:
                    raise invalid(f"Unrecognized servable version label: {label}")
            asked = f"Latest({name})" if number is None else f"Specific({name}, {number})"
            serving = model.available() if model else []
            if not serving or (number is not None and number not in serving):
                raise ServingError(Code.NOT_FOUND, f"Servable not found for request: {asked}")
            found = model.versions[serving[0] if number is None else number]  # type: ignore[union-attr]
            found.running += 1
            return found

    def problem(self, name: str) -> str:
        """Say why a model has no available version; empty if it has one."""
        with self.changed:
            model = self.models[name]
            if model.available():
                return ""
            errors = [
                f"{{name: {name} version: {v.number}}} due to error: {v.error}"
                for v in model.versions.values()
                if v.error
            ]
        return ", ".join(errors) or (
            f"{{name: {name}}} due to error: NOT_FOUND: No versions of servable {name} found "
            f"under base path {model.config.base_path}"
        )
