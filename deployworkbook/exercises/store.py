"""Small records of a learner's, in their own folder: locked, written whole, never lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from deployworkbook.workspace import Workspace, current_workspace, set_aside, write_atomically

T = TypeVar("T")

Records = dict[str, dict[str, Any]]


def read(name: str, fields: tuple[str, ...], workspace: Workspace | None = None) -> Records:
    """Read records; a damaged file is set aside, with a notice.

    Args:
        name: Of the file, without its ending.
        fields: What each record has.
        workspace: Whose; by default that of this process.
    """
    path = _path(name, workspace or current_workspace())
    if not path.exists():
        return {}
    try:
        records: Records = json.loads(path.read_text(encoding="utf-8"))
        for record in records.values():
            if set(record) != set(fields):
                raise ValueError(f"a record has not the fields {', '.join(fields)}")
    except (ValueError, TypeError, AttributeError) as error:
        aside = set_aside(path)
        print(f"Your {name} in {path} cannot be read ({error}). It was moved to {aside.name}.")
        return {}
    return records


def update(
    name: str,
    fields: tuple[str, ...],
    change: Callable[[Records], T],
    workspace: Workspace | None = None,
) -> T:
    """Change records, one process after the other.

    Args:
        name: Of the file, without its ending.
        fields: What each record has.
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


def _path(name: str, workspace: Workspace) -> Path:
    return workspace.records / f"{name}.json"
