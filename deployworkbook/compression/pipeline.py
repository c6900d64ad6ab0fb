"""The pipeline: techniques in a declared order; each stage is built once, and can be measured.

Stages are cached by a hash of everything that determines them: the stages before, their settings,
the data, the teacher, the code. A killed build resumes after the last finished stage; a stage whose
inputs have changed is built again.
"""

from __future__ import annotations

import inspect
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from deployworkbook.compression import (
    augmentation,
    clustering,
    constraints,
    distill,
    lean,
    neurons,
    pruning,
    retrain,
    stages,
    stepping,
    training_set,
)
from deployworkbook.compression.augmentation import Augmentation
from deployworkbook.compression.naming import name_of
from deployworkbook.compression.progress import BuildObserver, BuildPart, watched
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.stages import Form, Prune, Quantize, Stage, label, part_of
from deployworkbook.compression.training_set import Examples
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.runtimes.benchmarking import benchmark
from deployworkbook.runtimes.litert import LiteRTRuntime
from deployworkbook.training import flatbuffer, models
from deployworkbook.training.data import Dataset
from deployworkbook.training.keras2 import keras, tf
from deployworkbook.training.saved import read_model, save_model
from deployworkbook.training.variant import Variant
from deployworkbook.validation import describe, type_error, value_error
from deployworkbook.workspace.cache import build_once, is_kept, key_of
from deployworkbook.workspace.folder import current_workspace
from deployworkbook.workspace.notices import Notice, notify

CODE = (
    augmentation,
    clustering,
    constraints,
    distill,
    training_set,
    lean,
    neurons,
    pruning,
    retrain,
    stages,
    stepping,
)


@dataclass(frozen=True)
class StageResult:
    """Result of a stage.

    Args:
        form: The model.
        variant: The model as a variant that a runtime can run.
        seconds: Time it took to build, without measuring.
        is_new: Whether it was built just now rather than read from the cache.
        measure: Measures the variant.
    """

    form: Form
    variant: Variant
    seconds: float
    is_new: bool
    measure: Callable[[], Measurement] = field(repr=False, compare=False)

    @cached_property
    def measurement(self) -> Measurement:
        """Measurement in LiteRT, on the whole test set; made when it is first asked for."""
        return self.measure()


# Found on MNIST's validation set; tests/benchmarks/test_compression.py measures its result.
RECIPE: tuple[Stage, ...] = (
    Prune(pruning.Pruning(sparsity=0.975, fade=0.01)),
    Quantize(4),
)


def run(
    model: Any,
    dataset: Dataset,
    *,
    recipe: Sequence[Stage] = RECIPE,
    seed: int = 0,
    teaching: Settings | None = distill.TEACHING,
    folder: Path | None = None,
    lesson: str = "",
    notice: Notice = notify,
    progress: BuildObserver | None = None,
) -> list[StageResult]:
    """Run a model through stages; each one's result can be measured.

    Args:
        model: The trained Keras model to start with; not changed.
        dataset: Its training set is learned from, its test set measured with.
        recipe: The stages in order, at least one.
        seed: Seed of all stages.
        teaching: Training settings of the teacher; ``None`` for no teacher.
        folder: Folder of the cache; by default the workspace's ``models``.
        lesson: Name of the notebook, for the measurements.
        notice: Called with a text when it waits for another process or finds damage.
        progress: Observer, which may end the build between two steps by raising an exception:
            finished stages stay cached, an unfinished one is discarded. By default tqdm bars.

    Returns:
        One result per stage.

    Raises:
        TypeError: The recipe contains something other than stages.
        ValueError: The recipe is empty, or the model has other than dense layers.
    """
    _check(recipe)
    pruning.check_perceptron(model)
    classroom = _Classroom(dataset, teaching, folder, notice, progress)
    place = folder or current_workspace().models
    form, outcomes = Form(model), []
    keys = keys_of(model, dataset, recipe=recipe, seed=seed, teaching=teaching)
    homes = [
        place / f"stage-{dataset.name}-{label(stage)}-{key}"
        for stage, key in zip(recipe, keys, strict=True)
    ]
    if progress is not None:
        images = len(dataset.train.images)
        missing = [stage for stage, home in zip(recipe, homes, strict=True) if not is_kept(home)]
        progress.plan([part_of(stage, images) for stage in missing])
    for number, (stage, key, home) in enumerate(zip(recipe, keys, homes, strict=True), 1):
        name = name_of(recipe[:number], seed=seed, teaching=teaching)
        (form, seconds), is_new = build_once(
            home,
            build=_Builder(stage, form, classroom, seed),
            load=_load,
            notice=notice,
            waiting=None if progress is None else partial(progress.update, 0),
        )
        variant = form.variant(name, note=f"after stage {number} of {len(recipe)}")
        measure = partial(_measure, variant, dataset, lesson, made_by=key)
        outcomes.append(StageResult(form, variant, seconds, is_new, measure))
    if progress is not None:
        # Whoever watches waits for the last stage's measurement, too.
        progress.begin(BuildPart(f"measuring {outcomes[-1].variant.name}", "measuring"))
        _ = outcomes[-1].measurement
    return outcomes


def keys_of(
    model: Any,
    dataset: Dataset,
    *,
    recipe: Sequence[Stage],
    seed: int = 0,
    teaching: Settings | None = distill.TEACHING,
) -> list[str]:
    """Return each stage's cache key; the arguments are those of ``run``.

    Returns:
        One key per stage. Recipes that start with the same stages have the same first keys.
    """
    key = key_of(
        {
            "start": distill.fingerprint(model),
            "data": dataset.fingerprint,
            "teaching": None if teaching is None else asdict(teaching),
            "seed": seed,
            "versions": [tf.__version__, keras.__version__],
            "code": [inspect.getsource(part) for part in (*CODE, models, flatbuffer)],
        }
    )
    keys = []
    for stage in recipe:
        key = key_of({"before": key, "stage": type(stage).__name__, "settings": asdict(stage)})
        keys.append(key)
    return keys


class _Classroom:
    """The teacher and its logits, computed only if a stage must be built."""

    def __init__(
        self,
        dataset: Dataset,
        teaching: Settings | None,
        folder: Path | None,
        notice: Notice,
        progress: BuildObserver | None,
    ) -> None:
        self.dataset, self.teaching = dataset, teaching
        self.options: dict[str, Any] = {"folder": folder, "notice": notice, "progress": progress}
        self.progress = progress
        self._teacher: Any = None

    def examples(self, augmentations: tuple[Augmentation, ...]) -> Examples:
        train = self.dataset.train
        if self.teaching is None:
            return Examples(train.images, train.labels, augmentations)
        if self._teacher is None:
            self._teacher = distill.teacher(self.dataset, settings=self.teaching, **self.options)
        return distill.learn_from(
            self.dataset, self._teacher, augmentations=augmentations, **self.options
        )


@dataclass(frozen=True)
class _Builder:
    """Builds a stage in the folder that the cache provides."""

    stage: Stage
    before: Form
    classroom: _Classroom
    seed: int

    def __call__(self, target: Path) -> None:
        examples = self.classroom.examples(self.stage.augmentations)
        stage = replace(self.stage, settings=replace(self.stage.settings, seed=self.seed))
        start = time.perf_counter()
        part = part_of(stage, len(examples.images))
        with watched(self.classroom.progress, part) as bar:
            after = stage.apply(self.before, examples, bar)
        record = {"seconds": time.perf_counter() - start, "bits": after.bits}
        save_model(after.model, target / "model.keras")
        (target / "stage.json").write_text(json.dumps(record))


def _load(source: Path) -> tuple[Form, float]:
    record = json.loads((source / "stage.json").read_text())
    model = read_model(source / "model.keras")
    return Form(model, record["bits"]), record["seconds"]


def _measure(variant: Variant, dataset: Dataset, lesson: str, *, made_by: str) -> Measurement:
    """Measure a stage, with the memory of a process: without it a plan can't take its form."""
    runtime = LiteRTRuntime()
    with tempfile.TemporaryDirectory() as folder:
        measured = benchmark(
            runtime,
            runtime.export(variant, Path(folder)),
            dataset,
            repetitions=500,
            batch_sizes=(1, 256),
            seconds=0.1,
            lesson=lesson,
            note=variant.note,
        )
    return replace(measured, made_by=made_by)


def _check(recipe: Sequence[Stage]) -> None:
    if not recipe:
        raise value_error("recipe", received="none", expected="at least one")
    for stage in recipe:
        if not isinstance(stage, Stage):
            raise type_error(
                "recipe",
                received=describe(stage),
                expected="Distil, Prune, Cluster or Quantize",
                remedy="A stage is an object: Prune(), not Prune.",
            )
