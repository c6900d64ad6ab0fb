"""A folder of a model's versions, as TensorFlow Serving watches it: publish, label, roll back.

::

    BASE/1/, BASE/2/          versions: SavedModels, each with its record, published.json
    BASE/.repository.json     labels, with what they were before
    BASE/.publishing-*/       what is being written, or what a kill has left of it
    BASE/.withdrawn-*/        versions taken back

A server takes each child of the folder whose name is a number for a version, as soon as it is
there. So a version is written under a hidden name, brought to the disk (fsync) and renamed, which
happens wholly or not at all. Two publishers at once get two numbers, and a number is never given
twice.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from deployworkbook.serving.api.model_config import ServedModel
from deployworkbook.serving.api.version_folders import LARGEST, version_number, versions_below
from deployworkbook.serving.repository import publishing
from deployworkbook.serving.repository.published import PublishedVersion
from deployworkbook.serving.repository.state import locked_state, note_move, read_state, write_state
from deployworkbook.validation import check_integer, value_error
from deployworkbook.workspace.files import flush, full_path

STABLE = "stable"
CANARY = "canary"

_WITHDRAWN = ".withdrawn-"


class ModelRepository:
    """The versions of one model.

    Args:
        base_path: Their folder, the server's ``--model_base_path``; made if missing.

    Raises:
        NotADirectoryError: A file stands there.
    """

    def __init__(self, base_path: Path) -> None:
        self.base_path = full_path(Path(base_path))
        if self.base_path.exists() and not self.base_path.is_dir():
            raise NotADirectoryError(
                f"{self.base_path} is a file, where a folder of versions was expected. Name "
                "another folder."
            )
        self.base_path.mkdir(parents=True, exist_ok=True)

    def publish(
        self, source: Any, *, variant: str = "", note: str = "", label: str | None = None
    ) -> PublishedVersion:
        """Make a model the next version.

        Args:
            source: A SavedModel's folder, an artifact of the runtime ``savedmodel``, a Keras model,
                or a variant that holds one.
            variant: What the form is called; by default what the source says.
            note: What else to record.
            label: Labels the new version, too. A server has to have loaded it first: see
                ``rollout.roll_out``.

        Raises:
            FileNotFoundError: The source is not there.
            OSError: The disk is full, or the folder cannot be written. Nothing is left behind,
                unless the message says that it is the label alone that failed.
            ValueError: The source is no SavedModel and cannot become one.
        """
        with (
            publishing.prepared(self.base_path, source, variant, note) as unfinished,
            self._locked() as state,
        ):
            number = state["newest"] = self._next_number(state)
            # Before a server can see the version: the disk may have no room for this, either.
            with publishing.explained(self.base_path):
                write_state(self.base_path, state)
            os.replace(unfinished, self.base_path / str(number))
            flush(self.base_path)
        if label is not None:
            try:
                self.label(label, number)
            except OSError as error:
                raise OSError(
                    error.errno,
                    f"Version {number} is published, but not labelled {label!r} ({error}). Free "
                    f"some space, then call label({label!r}, {number}).",
                ) from error
        return self.version(number)

    def versions(self) -> list[PublishedVersion]:
        """List what a server sees, the newest first."""
        labels = self.labels
        return [
            PublishedVersion(
                number, path, tuple(sorted(name for name, of in labels.items() if of == number))
            )
            for number, path in sorted(versions_below(self.base_path).items(), reverse=True)
        ]

    def version(self, number: int) -> PublishedVersion:
        """Find one version.

        Raises:
            LookupError: There is none of this number; the message lists those that are.
        """
        found = {version.number: version for version in self.versions()}
        if number not in found:
            known = ", ".join(map(str, found)) or "none"
            raise LookupError(f"{self.base_path} has no version {number}. It has: {known}.")
        return found[number]

    @property
    def labels(self) -> dict[str, int]:
        """Versions by their labels."""
        return {name: numbers[-1] for name, numbers in self._state()["labels"].items()}

    def label(self, name: str, number: int) -> None:
        """Give a label to a version, and take it from the one that had it.

        Args:
            name: Such as ``stable`` or ``canary``.
            number: The version's.

        Raises:
            LookupError: There is no such version.
            ValueError: The name is empty.
        """
        if not name:
            raise value_error("label", received="none", expected="a name")
        self.version(number)
        with self._locked() as state:
            numbers = state["labels"].setdefault(name, [])
            if not numbers or numbers[-1] != number:
                numbers.append(number)
                note_move(state, name, number)

    def unlabel(self, name: str) -> None:
        """Take a label away.

        Raises:
            LookupError: No version has it.
        """
        with self._locked() as state:
            if state["labels"].pop(name, None) is None:
                raise _no_label(name, state)

    def roll_back(self, name: str = STABLE) -> PublishedVersion:
        """Give a label back to the version that had it before, of those that are still there.

        Args:
            name: The label.

        Raises:
            LookupError: No version has it.
            ValueError: No earlier version of the label is left.
        """
        present = versions_below(self.base_path)
        with self._locked() as state:
            numbers = state["labels"].get(name)
            if numbers is None:
                raise _no_label(name, state)
            earlier = [n for n in numbers[:-1] if n in present and n != numbers[-1]]
            if not earlier:
                raise value_error(
                    name,
                    received=f"version {numbers[-1]} alone",
                    expected="an earlier version that had this label and is still there",
                    remedy=f"Name one: label({name!r}, NUMBER).",
                )
            del numbers[numbers.index(earlier[-1]) + 1 :]
            note_move(state, name, earlier[-1])
        return self.version(earlier[-1])

    def withdraw(self, number: int) -> Path:
        """Take a version back: servers unload it, and the newest that is left serves again.

        It is renamed, not deleted, and its number is not given again.

        Args:
            number: The version's.

        Returns:
            Where it is now.

        Raises:
            LookupError: There is no such version.
            ValueError: It has a label, or it is the only one.
        """
        with self._locked():
            version = self.version(number)
            if version.labels:
                raise value_error(
                    f"version {number}",
                    received=f"labelled {', '.join(version.labels)}",
                    expected="one without a label",
                    remedy="Roll the label back or give it to another version first.",
                )
            if len(self.versions()) == 1:
                raise value_error(
                    f"version {number}",
                    received="the only one",
                    expected="another that can serve",
                    remedy="Publish another one first.",
                )
            aside = self.base_path / f"{_WITHDRAWN}{number}"
            os.replace(version.path, aside)
            flush(self.base_path)
        return aside

    def prune(self, keep: int = 2) -> list[int]:
        """Delete old versions, and what was withdrawn; never a labelled one or the newest.

        Args:
            keep: How many of the newest stay, at least 1; labelled ones come on top.

        Returns:
            The numbers of the versions deleted, the newest first.
        """
        check_integer("keep", keep, 1)
        with self._locked():
            old = [version for version in self.versions()[keep:] if not version.labels]
            for version in old:
                # First out of the server's sight, since deleting takes many steps.
                os.replace(version.path, self.base_path / f"{_WITHDRAWN}{version.number}")
            for aside in self.base_path.glob(f"{_WITHDRAWN}*"):
                shutil.rmtree(aside)
        return [version.number for version in old]

    def served(self, available: Iterable[int] | None = None) -> ServedModel:
        """Say what a server is to serve: the newest version, and those that have labels.

        Args:
            available: The versions that the server has loaded, for a step on the way: these stay,
                and the label of a version that is not among them stays where it was, or is left
                out, since servers refuse labels of what they have not loaded.
        """
        present = versions_below(self.base_path)
        wanted = {name: number for name, number in self.labels.items() if number in present}
        versions = {*wanted.values(), *_newest(present)}
        if available is None:
            return ServedModel(self.base_path, wanted, tuple(sorted(versions)))
        loaded = set(available) & set(present)
        labels = {}
        for name in wanted:
            moves = reversed(self._state()["moves"][name])
            last_loaded = next((number for number in moves if number in loaded), None)
            if last_loaded is not None:
                labels[name] = last_loaded
        return ServedModel(self.base_path, labels, tuple(sorted(versions | loaded)))

    def _next_number(self, state: Mapping[str, Any]) -> int:
        withdrawn = self.base_path.glob(f"{_WITHDRAWN}*")
        numbers = (version_number(path.name.removeprefix(_WITHDRAWN)) for path in withdrawn)
        on_disk = {*versions_below(self.base_path), *(n for n in numbers if n is not None)}
        newest: int = max(0, state["newest"], *on_disk)
        if newest == LARGEST:
            raise ValueError(f"{self.base_path}: version {LARGEST} is the last that there can be.")
        return newest + 1

    def _state(self) -> dict[str, Any]:
        return read_state(self.base_path)

    def _locked(self) -> AbstractContextManager[dict[str, Any]]:
        return locked_state(self.base_path)


def _newest(present: Mapping[int, Path]) -> list[int]:
    return [max(present)] if present else []


def _no_label(name: str, state: Mapping[str, Any]) -> LookupError:
    known = ", ".join(sorted(state["labels"])) or "none"
    return LookupError(f"No version is labelled {name!r}. Labels: {known}.")
