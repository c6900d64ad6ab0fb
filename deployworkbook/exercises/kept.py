"""A learner's answers, kept in their own folder so that a teacher can judge them again.

They leave it only with ``deployworkbook submit``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from deployworkbook.exercises import store
from deployworkbook.exercises.definitions import NoSourceError
from deployworkbook.exercises.sources import program_of
from deployworkbook.workspace.folder import Workspace
from deployworkbook.workspace.plain_numbers import of_numbers

KEPT: store.Fields = {"kept": []}

# Limits of what is kept per exercise. The newest right answer is always among it.
MOST_KEPT = 20
MOST_BYTES = 32 * 1024
MOST_BYTES_OF_ONE = 16 * 1024

Entry = dict[str, Any]


def keep(
    exercise_id: str,
    answer: Any,
    *,
    answer_key: str,
    is_right: bool,
    workspace: Workspace | None = None,
) -> None:
    """Keep an answer; one with the same values as an earlier one is kept once.

    Args:
        exercise_id: Name of the exercise.
        answer: Number, array or function.
        answer_key: Key of its values.
        is_right: Whether it is right; wrong answers make room first.
        workspace: Workspace of the learner; by default this process's.
    """
    entry = {"key": answer_key, "right": is_right, **written(answer)}

    def add(records: store.Records) -> None:
        record = records.setdefault(exercise_id, store.blank(KEPT))
        others = [each for each in record["kept"] if _is_entry(each)]
        known = [each for each in others if each["key"] == answer_key and "lost" not in each]
        if not known:
            others = [each for each in others if each["key"] != answer_key]
            record["kept"] = _within_limits([*others, entry])

    store.update("answers", KEPT, add, workspace, private=True)


def kept_answers(workspace: Workspace | None = None) -> dict[str, list[Entry]]:
    """Return the kept answers by exercise, oldest first.

    An entry has ``key`` and ``right``, and either ``shape`` and ``values`` of a number or array,
    ``code`` and ``name`` of a function, or ``lost``: why it could not be kept.

    Args:
        workspace: Workspace of the learner; by default this process's.
    """
    records = store.read("answers", KEPT, workspace)
    return {
        name: [each for each in record["kept"] if _is_entry(each)]
        for name, record in records.items()
    }


def written(answer: Any) -> Entry:
    """Return an answer as data: its numbers, or its source.

    Args:
        answer: Number, array or function.

    >>> written([0.5, float("inf")])
    {'shape': [2], 'values': [0.5, 'inf']}
    """
    try:
        entry = _of_function(answer) if callable(answer) else of_numbers(answer)
    except NoSourceError as error:
        return {"lost": str(error)}
    except Exception as error:  # an odd object must not end a lesson's cell
        return {"lost": f"It can't be written down ({type(error).__name__})."}
    if len(json.dumps(entry)) > MOST_BYTES_OF_ONE:
        return {"lost": "It is too long."}
    return entry


def _of_function(function: Callable[..., Any]) -> Entry:
    program = program_of(function)
    return {"code": program.code, "name": program.name}


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("key"), str)
        and isinstance(entry.get("right"), bool)
        and any(names <= set(entry) for names in ({"shape", "values"}, {"code", "name"}, {"lost"}))
    )


def _within_limits(entries: list[Entry]) -> list[Entry]:
    """Drop the oldest answers, but never the newest nor the newest right one."""
    entries = list(entries)
    while len(entries) > MOST_KEPT or len(json.dumps(entries)) > MOST_BYTES:
        right = [place for place, entry in enumerate(entries) if entry["right"]]
        spared = {len(entries) - 1, *right[-1:]}
        del entries[next(place for place in range(len(entries)) if place not in spared)]
    return entries
