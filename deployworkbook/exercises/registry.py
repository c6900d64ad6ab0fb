"""All exercises and predictions by name."""

from __future__ import annotations

from deployworkbook.exercises import (
    adviser,
    backpropagation,
    costs,
    descent,
    distillation,
    edge,
    firmware,
    importance,
    integers,
    losses,
    machines,
    monitoring,
    pipeline,
    plan,
    privacy,
    pruning,
    quantization,
    runtimes,
    serving,
    start,
    token_prices,
    tokens,
    training,
    updates,
)
from deployworkbook.exercises.declaration import Exercise, GuessQuestion

MODULES = (
    start,
    costs,
    machines,
    losses,
    descent,
    backpropagation,
    training,
    quantization,
    integers,
    importance,
    pruning,
    distillation,
    pipeline,
    runtimes,
    serving,
    monitoring,
    plan,
    adviser,
    firmware,
    edge,
    tokens,
    token_prices,
    updates,
    privacy,
)

EXERCISES: dict[str, Exercise] = {
    exercise.id: exercise for module in MODULES for exercise in module.EXERCISES
}
PREDICTIONS: dict[str, GuessQuestion] = {
    prediction.id: prediction for module in MODULES for prediction in module.PREDICTIONS
}
