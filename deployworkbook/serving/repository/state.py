"""What a repository keeps beside its versions: labels, where they were, the newest number given."""

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
        ``labels``: for each label the versions that had it, those left behind by a roll-back not
        among them; ``moves``: for each label where it was, to the last; ``newest``: the largest
        number given.

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
    """Give the state to a block that alone may change it; keep it if the block succeeds.

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
    """Write the state before a block of ``locked_state`` ends: what follows relies on it."""
    write_atomically(base_path / _FILE, json.dumps(state, indent=1) + "\n")


def note_move(state: dict[str, Any], name: str, number: int) -> None:
    """Note where a label is now: a server may still have it at one of the last places.

    Args:
        state: Of the repository; changed.
        name: The label.
        number: The version.

    >>> state = {"moves": {}}
    >>> note_move(state, "stable", 1)
    >>> state
    {'moves': {'stable': [1]}}
    """
    state["moves"][name] = [*state["moves"].get(name, []), number][-_MOVES_KEPT:]
