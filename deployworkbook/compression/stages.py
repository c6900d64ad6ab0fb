"""The stages of a pipeline: their settings, and what they do to a model.

Stages can have any order: each keeps the zeros and the grid that earlier ones made.
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

# A student with few weights can only follow its teacher's first choices, hence the low temperature.
LONG = Settings(epochs=8, learning_rate=0.006, temperature=2.0)
SHORT = Settings(epochs=2, learning_rate=0.002, temperature=2.0)
PRUNING = Pruning()
CLUSTERING = Clustering()


@dataclass(frozen=True)
class Form:
    """A model on its way from stage to stage.

    Args:
        model: A Keras model.
        bits: Bits per weight; ``None`` while weights are float32.
    """

    model: Any
    bits: int | None = None

    def variant(self, name: str, note: str = "") -> Variant:
        """Return the model as a variant that LiteRT can run."""
        if self.bits is None:
            return Variant(name, model=self.model, note=note)
        content = lean.lean_flatbuffer(self.model, bits=self.bits)
        return Variant(name, flatbuffer=content, note=note)


@dataclass(frozen=True)
class Distil:
    """Train the model further with its teacher; zeros stay 0."""

    settings: Settings = LONG
    augmentations: tuple[Augmentation, ...] = AUGMENTATIONS

    def apply(self, form: Form, examples: Examples, progress: Any) -> Form:
        """Train with the zeros and the grid that earlier stages made."""
        return replace(form, model=_learn(form, examples, self.settings, progress))


@dataclass(frozen=True)
class Prune:
    """Prune the least important weights, and then the neurons that are left without effect.

    Args:
        pruning: What to prune, and how fast.
        settings: Training settings of the remaining weights.
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
    """Let the weights of each layer share a few values.

    Args:
        clustering: How many values a layer may have.
        settings: Training settings of the shared values.
        augmentations: How a training image may be moved before it is shown.
    """

    clustering: Clustering = CLUSTERING
    settings: Settings = SHORT
    augmentations: tuple[Augmentation, ...] = AUGMENTATIONS

    def apply(self, form: Form, examples: Examples, progress: Any) -> Form:
        """Cluster the nonzero weights."""
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
    """Store weights as integers of 8 or 4 bits, with one scale per layer; zeros stay 0.

    Args:
        bits: Bits per weight. With 8, weights are only rounded, by at most half a step.
        settings: Training settings of weights with 4 bits; not used at 8.
        augmentations: How a training image may be moved before it is shown.
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
    """Return a stage as part of a build, with its number of training steps.

    Args:
        stage: The stage.
        examples: Number of training images.

    >>> part_of(Quantize(4), 1280)
    BuildPart(name='int4', kind='Quantize', steps=20, epochs=2)
    >>> part_of(Quantize(8), 1280).steps
    0
    """
    if isinstance(stage, Quantize) and stage.bits == 8:
        return BuildPart(label(stage), type(stage).__name__)
    epochs = stage.settings.epochs
    steps = epochs * -(-examples // stage.settings.batch_size)
    return BuildPart(label(stage), type(stage).__name__, steps, epochs)


def label(stage: Stage) -> str:
    """Return a stage's name, for variants and folders.

    >>> label(Prune(Pruning(sparsity=0.95))), label(Quantize(4))
    ('prune95', 'int4')
    """
    if isinstance(stage, Prune):
        return f"prune{stage.pruning.sparsity * 100:.10g}"
    if isinstance(stage, Cluster):
        return f"cluster{stage.clustering.values}"
    return f"int{stage.bits}" if isinstance(stage, Quantize) else "distil"


def _learn(form: Form, examples: Examples, settings: Settings, progress: Any) -> Any:
    """Train further; zeros stay 0, and weights on a grid stay on it."""
    training = Retraining(form.model, examples, settings=settings, bits=form.bits)
    training.keep([kernel != 0 for kernel in training.kernels])
    training.advance(progress=progress)
    return training.result()
