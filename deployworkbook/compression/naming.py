"""What a form made by a pipeline is called: its stages, and every setting that is not usual.

Two forms that were made differently have different names, so that one never hides the other in the
ledger or on disk.
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

# Settings that are not named: these are the pipeline's own, and each stage's otherwise.
USUAL: dict[type, Stage] = {
    Prune: Prune(Pruning(fade=0.01)),
    Quantize: Quantize(),
    Cluster: Cluster(),
    Distil: Distil(),
}

# The settings that are changed most often have short names; the others use the field's own name.
SHORT_NAMES = {"epochs": "e", "learning_rate": "lr", "temperature": "T", "batch_size": "b"}

# In the stage's label already, or overruled by the pipeline's own seed.
IN_LABEL = {"sparsity", "values", "bits"}
OVERRULED = {"settings.seed"}

# A folder is named by it, with a suffix, and most systems allow 255 bytes.
MAX_CHARACTERS = 120


def name_of(recipe: Sequence[Stage], *, seed: int = 0, teaching: Settings | None = TEACHING) -> str:
    """Name a form by its stages and by every setting that differs from the usual one.

    Epochs are ``e``, the learning rate ``lr``, the temperature ``T``; the rest is spelled out.

    Args:
        recipe: The stages in their order.
        seed: Of all stages.
        teaching: How the teacher was trained; ``None`` for no teacher.

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
    # Eight bits round what is there; nothing learns on.
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
    """Say one setting in the letters, digits, dots and hyphens that a variant's name may have."""
    name = SHORT_NAMES.get(name, name.replace("_", ""))
    if isinstance(value, bool):
        return name if value else f"no{name}"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return f"{name}{value:.10g}".replace("+", "")
    # Augmentations: too many numbers to spell out.
    return f"{name}{hashlib.sha256(repr(value).encode()).hexdigest()[:6]}"
