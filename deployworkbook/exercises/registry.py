"""All exercises and predictions by name."""

from __future__ import annotations

from deployworkbook.exercises import (
    backpropagation,
    costs,
    descent,
    distillation,
    importance,
    losses,
    pipeline,
    plan,
    pruning,
    quantization,
    runtimes,
    serving,
    start,
    training,
)
from deployworkbook.exercises.declaration import Exercise, GuessQuestion

MODULES = (
    start,
    costs,
    losses,
    descent,
    backpropagation,
    training,
    quantization,
    importance,
    pruning,
    distillation,
    pipeline,
    runtimes,
    serving,
    plan,
)

EXERCISES: dict[str, Exercise] = {
    exercise.id: exercise for module in MODULES for exercise in module.EXERCISES
}
PREDICTIONS: dict[str, GuessQuestion] = {
    prediction.id: prediction for module in MODULES for prediction in module.PREDICTIONS
}
