"""The stages of a pipeline: what each is set by, and what it does to the model that comes in.

They go in any order: each keeps the zeros and the grid that those before it made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from deployworkbook.compression import clustering, lean, neurons, pruning
from deployworkbook.compression.augmentation import Augmentation
from deployworkbook.compression.clustering import Clustering
from deployworkbook.compression.distill import AUGMENTATIONS
from deployworkbook.compression.progress import BuildPart
from deployworkbook.compression.pruning import Pruning
from deployworkbook.compression.retrain import Retraining, Settings
from deployworkbook.compression.training_set import Examples
from deployworkbook.training.variant import Variant
from deployworkbook.validation import check_choice

# A student of few weights can follow its teacher's first choices only, hence the low temperature.
LONG = Settings(epochs=20, learning_rate=0.003, temperature=2.0)
SHORT = Settings(epochs=6, learning_rate=0.001, temperature=2.0)
PRUNING = Pruning()
CLUSTERING = Clustering()


@dataclass(frozen=True)
class Form:
    """What goes from stage to stage.

    Args:
        model: A Keras model.
        bits: Of its weights; ``None`` while they are float32.
    """

    model: Any
    bits: int | None = None

    def variant(self, name: str, note: str = "") -> Variant:
        """The form as LiteRT runs it."""
        if self.bits is None:
            return Variant(name, model=self.model, note=note)
        content = lean.lean_flatbuffer(self.model, bits=self.bits)
        return Variant(name, flatbuffer=content, note=note)


@dataclass(frozen=True)
class Distil:
    """The model learns on from its teacher; its zeros stay."""

    settings: Settings = LONG
    augmentations: tuple[Augmentation, ...] = AUGMENTATIONS

    def apply(self, form: Form, examples: Examples, progress: Any) -> Form:
        """Train with the zeros and the grid that earlier stages made."""
        return replace(form, model=_learn(form, examples, self.settings, progress))


@dataclass(frozen=True)
class Prune:
    """Weights go by importance, and then the neurons that are left idle.

    Args:
        pruning: What to prune, and how fast.
        settings: How the remaining weights are trained.
        augmentations: How a training image may be moved before it is shown.
    """

    pruning: Pruning = PRUNING
    settings: Settings = LONG
    augmentations: tuple[Augmentation, ...] = AUGMENTATIONS

    def apply(self, form: Form, examples: Examples, progress: Any) -> Form:
        """Prune on the grid that earlier stages made."""
        pruned = pruning.prune(
            form.model,
            examples,
            pruning=self.pruning,
            settings=self.settings,
            bits=form.bits,
            progress=progress,
        )
        return replace(form, model=neurons.without_idle_neurons(pruned))


@dataclass(frozen=True)
class Cluster:
    """The weights of each layer share a few values.

    Args:
        clustering: How many values a layer may have.
        settings: How the shared values are trained.
        augmentations: How a training image may be moved before it is shown.
    """

    clustering: Clustering = CLUSTERING
    settings: Settings = SHORT
    augmentations: tuple[Augmentation, ...] = AUGMENTATIONS

    def apply(self, form: Form, examples: Examples, progress: Any) -> Form:
        """Cluster what is not 0."""
        clustered = clustering.cluster(
            form.model,
            examples,
            clustering=self.clustering,
            settings=self.settings,
            progress=progress,
        )
        return replace(form, model=clustered)


@dataclass(frozen=True)
class Quantize:
    """Weights become integers of 8 or 4 bits, on one scale a layer; zeros stay zero.

    Args:
        bits: Their width. 8 bits hold what earlier stages made as it is, to half a step.
        settings: How 4 bits learn on as such; not used at 8.
        augmentations: How the images that they learn from are moved.
    """

    bits: Literal[4, 8] = 8
    settings: Settings = SHORT
    augmentations: tuple[Augmentation, ...] = AUGMENTATIONS

    def __post_init__(self) -> None:
        check_choice("bits", self.bits, [4, 8])

    def apply(self, form: Form, examples: Examples, progress: Any) -> Form:
        """Move the weights to the grid."""
        form = replace(form, bits=self.bits)
        if self.bits == 8:
            return form
        return replace(form, model=_learn(form, examples, self.settings, progress))


Stage = Distil | Prune | Cluster | Quantize


def part_of(stage: Stage, examples: int) -> BuildPart:
    """Say how many training steps a stage takes.

    Args:
        stage: The stage.
        examples: How many images it learns from.

    >>> part_of(Quantize(4), 1280)
    BuildPart(name='int4', kind='Quantize', steps=60, epochs=6)
    >>> part_of(Quantize(8), 1280).steps
    0
    """
    if isinstance(stage, Quantize) and stage.bits == 8:
        return BuildPart(label(stage), type(stage).__name__)
    epochs = stage.settings.epochs
    steps = epochs * -(-examples // stage.settings.batch_size)
    return BuildPart(label(stage), type(stage).__name__, steps, epochs)


def label(stage: Stage) -> str:
    """What a variant and a folder are called by.

    >>> label(Prune(Pruning(sparsity=0.95))), label(Quantize(4))
    ('prune95', 'int4')
    """
    if isinstance(stage, Prune):
        return f"prune{stage.pruning.sparsity * 100:.10g}"
    if isinstance(stage, Cluster):
        return f"cluster{stage.clustering.values}"
    return f"int{stage.bits}" if isinstance(stage, Quantize) else "distil"


def _learn(form: Form, examples: Examples, settings: Settings, progress: Any) -> Any:
    """Train on; what is 0 stays 0, and what is on a grid stays on it."""
    training = Retraining(form.model, examples, settings=settings, bits=form.bits)
    training.keep([kernel != 0 for kernel in training.kernels])
    training.advance(progress=progress)
    return training.result()
