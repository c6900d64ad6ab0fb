"""A learner's answers, kept in their own folder so that a teacher can judge them again.

They leave it only with ``deployworkbook submit``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from deployworkbook.exercises import store
from deployworkbook.exercises.sources import NoSourceError, program_of
from deployworkbook.workspace.folder import Workspace

KEPT: store.Fields = {"kept": []}

# Limits of what is kept per exercise. The newest right answer is always among it.
MOST_KEPT = 20
MOST_BYTES = 32 * 1024
MOST_BYTES_OF_ONE = 16 * 1024

LONGEST_AXIS = 1_000_000

# What can't be written as a number in JSON.
NOT_FINITE = ("nan", "inf", "-inf")

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

    >>> written(np.array([0.5, np.inf]))
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


def of_numbers(value: Any) -> Entry:
    """Return a number or array as data: its shape, and its values row by row.

    Args:
        value: Numbers of any shape.

    >>> of_numbers(3)
    {'shape': [], 'values': [3.0]}
    """
    array = np.asarray(value, dtype=np.float64)
    values = [each if math.isfinite(each) else str(each) for each in array.ravel().tolist()]
    return {"shape": list(array.shape), "values": values}


def numbers_from(entry: Entry) -> Any:
    """Return the array that ``of_numbers`` wrote.

    Args:
        entry: A shape and its values.

    Raises:
        ValueError: It is something else, or too large.

    >>> numbers_from({"shape": [2], "values": [0.5, "inf"]})
    array([0.5, inf])
    """
    shape, values = entry.get("shape"), entry.get("values")
    if not isinstance(shape, list) or not isinstance(values, list) or len(shape) > 8:
        raise ValueError("a shape and values were expected")
    if any(type(each) is not int or not 0 <= each <= LONGEST_AXIS for each in shape):
        raise ValueError("a shape has whole numbers that its values fill")
    if math.prod(shape) != len(values):
        raise ValueError("a shape has whole numbers that its values fill")
    return np.array([_float(each) for each in values], dtype=np.float64).reshape(shape)


def _float(value: Any) -> float:
    if type(value) not in (int, float) and value not in NOT_FINITE:
        raise ValueError("a value is no number")
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError("a number is too large") from error


def _of_function(function: Callable[..., Any]) -> Entry:
    program = program_of(function)
    return {"code": program.code, "name": program.name}


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("key"), str)
        and isinstance(entry.get("right"), bool)
        and any(name in entry for name in ("values", "code", "lost"))
    )


def _within_limits(entries: list[Entry]) -> list[Entry]:
    """Drop the oldest answers, but never the newest nor the newest right one."""
    entries = list(entries)
    while len(entries) > MOST_KEPT or len(json.dumps(entries)) > MOST_BYTES:
        right = [place for place, entry in enumerate(entries) if entry["right"]]
        spared = {len(entries) - 1, *right[-1:]}
        del entries[next(place for place in range(len(entries)) if place not in spared)]
    return entries
