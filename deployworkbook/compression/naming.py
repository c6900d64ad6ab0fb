"""Name the variants that a pipeline makes, by their stages and all settings that aren't defaults.

Variants that were made differently have different names, so that none hides another in the ledger
or on disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from deployworkbook.compression.distill import TEACHING
from deployworkbook.compression.pruning import Pruning
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.stages import Cluster, Distil, Prune, Quantize, Stage, label

# Settings that are not named: the pipeline's own for pruning, else each stage's defaults.
USUAL: dict[type, Stage] = {
    Prune: Prune(Pruning(fade=0.01)),
    Quantize: Quantize(),
    Cluster: Cluster(),
    Distil: Distil(),
}

# Settings that are changed most often have short names; the others use the name of the field.
SHORT_NAMES = {"epochs": "e", "learning_rate": "lr", "temperature": "T", "batch_size": "b"}

# Already in the stage's label, or overridden by the pipeline's seed.
IN_LABEL = {"sparsity", "values", "bits"}
OVERRULED = {"settings.seed"}

# The name of a folder, with a suffix; most systems allow 255 bytes.
MAX_CHARACTERS = 120


def name_of(recipe: Sequence[Stage], *, seed: int = 0, teaching: Settings | None = TEACHING) -> str:
    """Return a variant's name: its stages, and each setting that differs from the default.

    Epochs are ``e``, the learning rate ``lr``, the temperature ``T``; the others are spelled out.

    Args:
        recipe: The stages in order.
        seed: Seed of all stages.
        teaching: Training settings of the teacher; ``None`` for no teacher.

    >>> from dataclasses import replace
    >>> brief = replace(Prune().settings, epochs=6)
    >>> name_of([Prune(Pruning(sparsity=0.97, fade=0.01), brief), Quantize(4)])
    'prune97-e6-int4'
    """
    parts = [part for stage in recipe for part in _of_stage(stage)]
    if teaching is None:
        parts.append("untaught")
    elif teaching != TEACHING:
        parts += ["teacher", *_differences(teaching, TEACHING)]
    if seed:
        parts.append(f"seed{seed}")
    name = "-".join(parts)
    if len(name) <= MAX_CHARACTERS:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: MAX_CHARACTERS - len(digest) - 1].rstrip('-.')}-{digest}"


def _of_stage(stage: Stage) -> Iterator[str]:
    yield label(stage)
    # At eight bits the weights are only rounded, so the training settings don't matter.
    if not (isinstance(stage, Quantize) and stage.bits == 8):
        yield from _differences(stage, USUAL[type(stage)])


def _differences(given: Any, usual: Any, path: str = "") -> Iterator[str]:
    for field in fields(given):
        value, other = getattr(given, field.name), getattr(usual, field.name)
        place = f"{path}{field.name}"
        if value == other or place in OVERRULED or field.name in IN_LABEL:
            continue
        if is_dataclass(value):
            yield from _differences(value, other, f"{place}.")
        else:
            yield _setting(field.name, value)


def _setting(name: str, value: Any) -> str:
    """Format a setting in letters, digits, dots and hyphens, which a variant's name may have."""
    name = SHORT_NAMES.get(name, name.replace("_", ""))
    if isinstance(value, bool):
        return name if value else f"no{name}"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return f"{name}{value:.10g}".replace("+", "")
    # Augmentations have too many numbers to spell out.
    return f"{name}{hashlib.sha256(repr(value).encode()).hexdigest()[:6]}"
