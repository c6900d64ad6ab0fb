"""A folder with a model's versions, as TensorFlow Serving watches it: publish, label, roll back.

::

    BASE/1/, BASE/2/          versions: a SavedModel, a LiteRT or an ONNX file, and the version's
                              record, published.json
    BASE/.repository.json     labels and their history
    BASE/.publishing-*/       a version being written, or left unfinished by a kill
    BASE/.withdrawn-*/        withdrawn versions

A server loads each entry of the folder whose name is a number as soon as it appears. So a version
is written under a hidden name, flushed to disk (fsync) and renamed, which happens completely or not
at all. Two publishers at once get different numbers, and no number is used twice.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deployworkbook.serving.api.model_config import ServedModel
from deployworkbook.serving.api.version_folders import versions_below
from deployworkbook.serving.repository import publishing
from deployworkbook.serving.repository.published import PublishedVersion
from deployworkbook.serving.repository.state import (
    locked_state,
    no_label,
    note_move,
    read_state,
    write_state,
)
from deployworkbook.serving.repository.withdrawn import (
    next_number,
    withdrawn_path,
    withdrawn_versions,
)
from deployworkbook.serving.signing.keys import SigningKey
from deployworkbook.serving.signing.manifest import sign_folder
from deployworkbook.validation import check_integer, value_error
from deployworkbook.workspace.files import flush, full_path

STABLE = "stable"
CANARY = "canary"


class ModelRepository:
    """The versions of one model.

    Args:
        base_path: Their folder, the server's ``--model_base_path``; created if missing.

    Raises:
        NotADirectoryError: The path is a file.
    """

    def __init__(self, base_path: Path) -> None:
        self.base_path = full_path(Path(base_path))
        if self.base_path.exists() and not self.base_path.is_dir():
            raise NotADirectoryError(
                f"{self.base_path} is a file, where a folder of versions was expected. Choose "
                "another folder."
            )
        self.base_path.mkdir(parents=True, exist_ok=True)

    def publish(
        self,
        source: Any,
        *,
        variant: str = "",
        note: str = "",
        label: str | None = None,
        parent: int | None = None,
        made_by: str = "",
        key: SigningKey | None = None,
    ) -> PublishedVersion:
        """Publish a model as the next version.

        The inputs and outputs of a LiteRT or ONNX file are named as those of the version before it,
        so that clients needn't change. A LiteRT file of integers gets inputs and outputs of floats.

        Args:
            source: A folder with a SavedModel, a ``model.tflite`` or a ``model.onnx``; an artifact
                of the runtime ``savedmodel``, ``litert`` or ``onnx``; a Keras model; or a variant.
            variant: The variant's name (default: the source's).
            note: A note to record.
            label: A label for the new version. A server must have loaded the version first: see
                ``rollout.roll_out``.
            parent: Number of the version that it came from, for the lineage.
            made_by: What made it from that one, such as ``"patch: output layer"``.
            key: A key to sign it with.

        Raises:
            FileNotFoundError: The source doesn't exist.
            OSError: The disk is full, or the folder can't be written. Nothing is left behind,
                unless the message says that only the label failed.
            LookupError: There is no such parent.
            ValueError: The source is no model that a server takes, and can't become one.
        """
        if parent is not None:
            self.version(parent)
        with (
            publishing.prepared(
                self.base_path, source, variant, note, parent=parent, made_by=made_by
            ) as unfinished,
            locked_state(self.base_path) as state,
        ):
            number = state["newest"] = next_number(self.base_path, state["newest"])
            # Before a server can see the version, because the disk may be too full for this.
            with publishing.explained(self.base_path):
                write_state(self.base_path, state)
                if key is not None:
                    sign_folder(unfinished, key, model=self.base_path.name, number=number)
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
        """List the versions, newest first."""
        labels = self.labels
        return [
            PublishedVersion(
                number, path, tuple(sorted(name for name, of in labels.items() if of == number))
            )
            for number, path in sorted(versions_below(self.base_path).items(), reverse=True)
        ]

    def version(self, number: int) -> PublishedVersion:
        """Return the version with a number.

        Raises:
            LookupError: There is no such version; the message lists those that exist.
        """
        found = {version.number: version for version in self.versions()}
        if number not in found:
            known = ", ".join(map(str, found)) or "none"
            raise LookupError(f"{self.base_path} has no version {number}. It has: {known}.")
        return found[number]

    @property
    def labels(self) -> dict[str, int]:
        """Version numbers by label."""
        return {name: numbers[-1] for name, numbers in read_state(self.base_path)["labels"].items()}

    def label(self, name: str, number: int) -> None:
        """Give a label to a version, and take it from the one that had it.

        Args:
            name: The label, such as ``stable`` or ``canary``.
            number: The version's number.

        Raises:
            LookupError: There is no such version.
            ValueError: The label is empty.
        """
        if not name:
            raise value_error("label", received="none", expected="a name")
        self.version(number)
        with locked_state(self.base_path) as state:
            numbers = state["labels"].setdefault(name, [])
            if not numbers or numbers[-1] != number:
                numbers.append(number)
                note_move(state, name, number)

    def unlabel(self, name: str) -> None:
        """Remove a label.

        Raises:
            LookupError: No version has it.
        """
        with locked_state(self.base_path) as state:
            if state["labels"].pop(name, None) is None:
                raise no_label(name, state)

    def roll_back(self, name: str = STABLE) -> PublishedVersion:
        """Return a label to the last version that had it before and still exists.

        Args:
            name: The label.

        Raises:
            LookupError: No version has it.
            ValueError: No earlier version with this label exists.
        """
        present = versions_below(self.base_path)
        with locked_state(self.base_path) as state:
            numbers = state["labels"].get(name)
            if numbers is None:
                raise no_label(name, state)
            earlier = [n for n in numbers[:-1] if n in present and n != numbers[-1]]
            if not earlier:
                raise value_error(
                    name,
                    received=f"only version {numbers[-1]}",
                    expected="an earlier version that had this label and still exists",
                    remedy=f"Name one: label({name!r}, NUMBER).",
                )
            del numbers[numbers.index(earlier[-1]) + 1 :]
            note_move(state, name, earlier[-1])
        return self.version(earlier[-1])

    def withdraw(self, number: int) -> Path:
        """Withdraw a version: servers unload it and serve the newest remaining one.

        It is renamed, not deleted, and its number is not used again.

        Args:
            number: The version's number.

        Returns:
            The path of the renamed folder.

        Raises:
            LookupError: There is no such version.
            ValueError: It has a label, or it is the only one.
        """
        with locked_state(self.base_path):
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
            aside = withdrawn_path(self.base_path, number)
            os.replace(version.path, aside)
            flush(self.base_path)
        return aside

    def prune(self, keep: int = 2) -> list[int]:
        """Delete old and withdrawn versions, but never a labelled one or the newest.

        Args:
            keep: How many of the newest versions to keep, at least 1, besides labelled ones.

        Returns:
            The numbers of the deleted versions, newest first.
        """
        check_integer("keep", keep, 1)
        with locked_state(self.base_path):
            old = [version for version in self.versions()[keep:] if not version.labels]
            for version in old:
                # First hide it from servers, because deleting takes many steps.
                os.replace(version.path, withdrawn_path(self.base_path, version.number))
            for aside in withdrawn_versions(self.base_path):
                shutil.rmtree(aside)
        return [version.number for version in old]

    def served(self, available: Iterable[int] | None = None) -> ServedModel:
        """Return what a server should serve: the newest version and the labelled ones.

        Args:
            available: The versions the server has loaded, for an intermediate step: they stay
                loaded, and a label whose version isn't among them stays where it was or is left
                out, because servers refuse labels of versions they haven't loaded.
        """
        present = versions_below(self.base_path)
        wanted = {name: number for name, number in self.labels.items() if number in present}
        versions = {*wanted.values(), *sorted(present)[-1:]}
        if available is None:
            return ServedModel(self.base_path, wanted, tuple(sorted(versions)))
        loaded = set(available) & set(present)
        labels = {}
        for name in wanted:
            moves = reversed(read_state(self.base_path)["moves"][name])
            last_loaded = next((number for number in moves if number in loaded), None)
            if last_loaded is not None:
                labels[name] = last_loaded
        return ServedModel(self.base_path, labels, tuple(sorted(versions | loaded)))
