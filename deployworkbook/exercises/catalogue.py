"""All exercises by name."""

from __future__ import annotations

from deployworkbook.exercises import descent, losses, start, training
from deployworkbook.exercises.declaration import Exercise

EXERCISES: dict[str, Exercise] = {
    exercise.id: exercise
    for module in (start, losses, descent, training)
    for exercise in module.EXERCISES
}
