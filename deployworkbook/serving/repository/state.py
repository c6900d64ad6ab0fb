"""What a repository stores beside its versions: labels, their history, the last number used."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from deployworkbook.workspace.files import write_atomically

_FILE = ".repository.json"
_LOCK = ".repository.lock"
_MOVES_KEPT = 100


def read_state(base_path: Path) -> dict[str, Any]:
    """Read the state of a repository.

    Args:
        base_path: The folder of versions.

    Returns:
        ``labels``: for each label, the versions that had it, without those rolled back; ``moves``:
        for each label, all versions that had it, the latest last; ``newest``: the largest number
        used.

    Raises:
        ValueError: The file is damaged.
    """
    path = base_path / _FILE
    try:
        state: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {"labels": {}, "moves": {}, "newest": 0}
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged ({error}). Delete it, and set the labels again."
        ) from error
    return state


@contextmanager
def locked_state(base_path: Path) -> Iterator[dict[str, Any]]:
    """Let a block change the state, one at a time; save it if the block succeeds.

    Args:
        base_path: The folder of versions.

    Raises:
        ValueError: The file is damaged.
    """
    with FileLock(base_path / _LOCK):
        state = read_state(base_path)
        yield state
        if state != read_state(base_path):
            write_state(base_path, state)


def write_state(base_path: Path, state: Mapping[str, Any]) -> None:
    """Write the state before a ``locked_state`` block ends, if the rest of the block needs it."""
    write_atomically(base_path / _FILE, json.dumps(state, indent=1) + "\n")


def note_move(state: dict[str, Any], name: str, number: int) -> None:
    """Record a label's new version: a server may still have the label on an earlier one.

    Args:
        state: The repository's state, which is changed.
        name: The label.
        number: The version's number.

    >>> state = {"moves": {}}
    >>> note_move(state, "stable", 1)
    >>> state
    {'moves': {'stable': [1]}}
    """
    state["moves"][name] = [*state["moves"].get(name, []), number][-_MOVES_KEPT:]


def no_label(name: str, state: Mapping[str, Any]) -> LookupError:
    """Return the error for a label that no version has.

    Args:
        name: The label.
        state: The repository's state.
    """
    known = ", ".join(sorted(state["labels"])) or "none"
    return LookupError(f"No version is labelled {name!r}. Labels: {known}.")
