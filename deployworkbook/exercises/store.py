"""A learner's small records in their own folder: locked, written atomically, never lost."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from deployworkbook.workspace.files import set_aside, write_atomically
from deployworkbook.workspace.folder import Workspace, current_workspace
from deployworkbook.workspace.notices import notify

T = TypeVar("T")

Records = dict[str, dict[str, Any]]

# Fields of a record, with defaults for those that earlier versions did not write.
Fields = Mapping[str, Any]
REQUIRED = object()


def blank(fields: Fields) -> dict[str, Any]:
    """Return a record of defaults.

    >>> blank({"tries": 0, "answers": []})
    {'tries': 0, 'answers': []}
    """
    return copy.deepcopy(dict(fields))


def read(name: str, fields: Fields, workspace: Workspace | None = None) -> Records:
    """Read records; a damaged file is set aside, with a notice.

    Args:
        name: Name of the file, without its extension.
        fields: Fields of a record, each with its default or ``REQUIRED``.
        workspace: Workspace of the learner; by default this process's.
    """
    path = _path(name, workspace or current_workspace())
    if not path.exists():
        return {}
    try:
        records: Records = json.loads(path.read_text(encoding="utf-8"))
        if any(not _has_fields(record, fields) for record in records.values()):
            raise ValueError(f"a record hasn't the fields {', '.join(fields)}")
        records = {key: blank(fields) | record for key, record in records.items()}
    except (ValueError, TypeError, AttributeError) as error:
        aside = set_aside(path)
        notify(f"Your {name} in {path} cannot be read ({error}). It was moved to {aside.name}.")
        return {}
    return records


def update(
    name: str,
    fields: Fields,
    change: Callable[[Records], T],
    workspace: Workspace | None = None,
    *,
    private: bool = False,
) -> T:
    """Change records under a lock, so that processes don't overwrite each other.

    Args:
        name: Name of the file, without its extension.
        fields: Fields of a record, each with its default or ``REQUIRED``.
        change: Function that changes the records in place.
        workspace: Workspace of the learner; by default this process's.
        private: Whether only its owner may read the file, whatever its folder allows.

    Returns:
        The result of ``change``.
    """
    home = (workspace or current_workspace()).create()
    with FileLock(home.records / f"{name}.lock"):
        records = read(name, fields, home)
        result = change(records)
        write_atomically(_path(name, home), json.dumps(records, indent=1), private=private)
    return result


def _has_fields(record: Any, fields: Fields) -> bool:
    """Return whether a record has the required fields, no unknown ones, and the right types.

    An empty record is invalid, so at least one field must be present.
    """
    if not isinstance(record, dict) or not record or not set(record) <= set(fields):
        return False
    return all(
        name in record
        if default is REQUIRED
        else default is None or isinstance(record.get(name, default), type(default))
        for name, default in fields.items()
    )


def _path(name: str, workspace: Workspace) -> Path:
    return workspace.records / f"{name}.json"
