"""Models that somebody has made beforehand for several learners, such as a class.

``DEPLOYWORKBOOK_SHARED_MODELS`` names their folder. It is only read: nothing is written there, not
even a lock, so that it can belong to another user or be mounted read-only. A result of a workspace
has the same path below the folder as below the workspace's ``models``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from deployworkbook.workspace.files import full_path
from deployworkbook.workspace.folder import MARKER, SHARED_VARIABLE, Workspace
from deployworkbook.workspace.manifest import foreign_damage_of
from deployworkbook.workspace.notices import Notice

T = TypeVar("T")

# What this process has told its user: each thing once, not with every load.
_told: set[str] = set()


def shared_folder() -> Path | None:
    """Return the folder of shared models that the environment names; ``None`` if it names none.

    Raises:
        OSError: It isn't a folder that can be read.
    """
    named = os.environ.get(SHARED_VARIABLE)
    if not named:
        return None
    folder = full_path(Path(named))
    if not os.path.isdir(folder):  # unlike Path's, it never raises an error
        raise NotADirectoryError(f"{SHARED_VARIABLE} names {folder}, which is not a folder.")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise PermissionError(f"{SHARED_VARIABLE} names {folder}, which you may not read.")
    return folder


def shared_place(folder: Path, notice: Notice) -> Path | None:
    """Return where the shared copy of a result would be; ``None`` if it can't have any.

    Args:
        folder: The result's own folder; only those below a workspace's ``models`` have copies.
        notice: Called once with a sentence if the environment names no readable folder.
    """
    if not os.environ.get(SHARED_VARIABLE):
        return None
    models = _models_above(folder)
    if models is None:
        return None
    try:
        shared = shared_folder()
    except OSError as error:
        _tell_once(notice, f"{error} The models in your own folder are used instead.")
        return None
    # Somebody may name their own folder.
    if shared is None or shared == full_path(models):
        return None
    return shared / folder.relative_to(models)


def read_shared(place: Path, load: Callable[[Path], T], notice: Notice) -> tuple[T] | None:
    """Load a shared result; return ``None`` if it is missing, or damaged, which is told once.

    Args:
        place: The result's shared folder.
        load: Function that reads the result, without executing anything in it.
        notice: Called with a sentence if the result is damaged.
    """
    if not os.path.isdir(place):
        return None
    try:
        if place.resolve() != place:
            damage = "it is a link"
        elif not (damage := foreign_damage_of(place)):
            return (load(place),)
    except Exception as error:  # files that others have written can raise anything
        damage = str(error) or type(error).__name__
    _tell_once(
        notice,
        f"{place.name} can't be used from the shared models in {place.parent}: {damage}. "
        f"Your own folder is used instead. Tell whoever made them ({SHARED_VARIABLE}).",
    )
    return None


def tell_missing(place: Path, notice: Notice) -> None:
    """Tell, for the first result that the shared models lack, that it is built anew.

    Args:
        place: The result's shared folder.
        notice: Called with a sentence.
    """
    text = (
        f"{place.name} is not among the shared models in {place.parent} ({SHARED_VARIABLE}), so it "
        "is built in your own folder, and so will be whatever else they lack."
    )
    _tell_once(notice, text, about=f"missing in {place.parent}")


def _tell_once(notice: Notice, text: str, *, about: str = "") -> None:
    """Call a notice with a text, unless this process has told about the same before."""
    subject = about or text
    if subject not in _told:
        _told.add(subject)
        notice(text)


def _models_above(folder: Path) -> Path | None:
    """Find the ``models`` of the workspace that a folder is in."""
    for parent in folder.parents:
        if (parent.parent / MARKER).is_dir() and parent == Workspace(parent.parent).models:
            return parent
    return None
