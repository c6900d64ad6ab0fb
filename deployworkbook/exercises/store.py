"""Small records of a learner's, in their own folder: locked, written whole, never lost."""

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

# What each record has, and the value of a field that an earlier version did not write yet.
Fields = Mapping[str, Any]
REQUIRED = object()


def blank(fields: Fields) -> dict[str, Any]:
    """Make a record of nothing but defaults.

    >>> blank({"tries": 0, "answers": []})
    {'tries': 0, 'answers': []}
    """
    return copy.deepcopy(dict(fields))


def read(name: str, fields: Fields, workspace: Workspace | None = None) -> Records:
    """Read records; a damaged file is set aside, with a notice.

    Args:
        name: Of the file, without its ending.
        fields: What each record has, each with its default or ``REQUIRED``.
        workspace: Whose; by default that of this process.
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
) -> T:
    """Change records, one process after the other.

    Args:
        name: Of the file, without its ending.
        fields: What each record has, each with its default or ``REQUIRED``.
        change: Changes the records in place.
        workspace: Whose; by default that of this process.

    Returns:
        What ``change`` returned.
    """
    home = (workspace or current_workspace()).create()
    with FileLock(home.records / f"{name}.lock"):
        records = read(name, fields, home)
        result = change(records)
        write_atomically(_path(name, home), json.dumps(records, indent=1))
    return result


def _has_fields(record: Any, fields: Fields) -> bool:
    """Whether a record has all required fields and no other; each value is of its default's type.

    A record of defaults alone says nothing, so at least one field must stand in it.
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
