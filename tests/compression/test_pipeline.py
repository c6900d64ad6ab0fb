"""The pipeline: any order, each stage once, and on after a kill."""

import functools
import multiprocessing
import shutil
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from deployworkbook.compression import pipeline
from deployworkbook.compression.augmentation import Augmentation
from deployworkbook.compression.clustering import Clustering
from deployworkbook.compression.naming import name_of
from deployworkbook.compression.pruning import Pruning, sparsity_of
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.stages import Cluster, Distil, Form, Prune, Quantize
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.training import fit, models
from deployworkbook.training.data import load_dataset
from deployworkbook.training.keras2 import set_seed
from deployworkbook.training.models import mlp
from deployworkbook.training.variant import Variant
from tests.waiting import WATCHDOG_S, wait_until

CONTEXT = multiprocessing.get_context("spawn")
QUICK = Settings(epochs=1)
STILL = (Augmentation(),)
STAGES = (
    Distil(QUICK, STILL),
    Prune(Pruning(sparsity=0.9), QUICK, STILL),
    Cluster(Clustering(values=8), QUICK, STILL),
    Quantize(8, QUICK, STILL),
)
# So many epochs that the process can be killed in the middle of them.
ENDLESS = Distil(Settings(epochs=100_000), STILL)


def start():
    set_seed(0)
    return mlp(hidden_units=16)


def unmeasured(variant, dataset, lesson, made_by):
    """What takes the place of a measurement, where none is looked at."""
    return Measurement(variant.name, "litert", "2", dataset.name, dataset.fingerprint)


def unconverted(form, name, note):
    """What takes the place of a file, where none is measured."""
    return Variant(name, model=form.model, note=note)


def put_through(folder, *stages, model=None, notices=None, measure=False, **options):
    light = [
        patch.object(pipeline, "_measure", unmeasured),
        patch.object(Form, "variant", unconverted),
    ]
    with ExitStack() as stack:
        for each in [] if measure else light:
            stack.enter_context(each)
        return pipeline.run(
            model or start(),
            load_dataset("digits"),
            recipe=stages,
            folder=Path(folder),
            notice=(notices if notices is not None else []).append,
            **{"teaching": None} | options,
        )


@functools.wraps(fit.train)
def untrained(data, recipe):
    """What takes the place of a training."""
    return start(), fit.History(*[(0.5,)] * 4)


def train_and_put_through(folder, *stages):
    """Begin with the model; say what is new, and how the weights come out."""
    with patch.object(fit, "train", untrained):
        trained = fit.baseline(load_dataset("digits"), folder=folder, notice=str)
    outcomes = put_through(folder, *stages, model=trained.model)
    weights = outcomes[-1].form.model.get_weights()[0]
    return [trained.is_new, *(each.is_new for each in outcomes)], float(weights.sum())


def in_another_process(folder, barrier, results):
    barrier.wait(WATCHDOG_S)
    results.put(train_and_put_through(folder, *STAGES[:1]))
    train_and_put_through(folder, STAGES[0], ENDLESS)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """All stages, made once, and the folder that keeps them."""
    folder = tmp_path_factory.mktemp("built")
    return put_through(folder, *STAGES, lesson="08", measure=True), folder


@pytest.fixture
def kept(built, tmp_path):
    """A folder of the test's own in which all stages are kept."""
    return shutil.copytree(built[1], tmp_path / "kept")


def test_only_what_is_looked_at_is_measured_and_once(kept):
    asked = []

    def note(variant, *arguments, **options):
        asked.append(variant.name)
        return unmeasured(variant, *arguments, **options)

    with patch.object(pipeline, "_measure", note), patch.object(Form, "variant", unconverted):
        outcomes = put_through(kept, *STAGES[:2], measure=True)
        assert asked == []
        assert outcomes[-1].measurement is outcomes[-1].measurement
    assert asked == [outcomes[-1].variant.name]


def test_each_stage_is_measured(built):
    outcomes, _ = built
    names = [outcome.variant.name for outcome in outcomes]
    assert names == [name_of(STAGES[: number + 1], teaching=None) for number in range(len(STAGES))]
    assert names[0].startswith("distil-e1-")
    for outcome in outcomes:
        measured = outcome.measurement
        assert measured.variant == outcome.variant.name
        assert measured.examples == 360
        assert measured.lesson == "08"
        assert measured.latency_p50_ms > 0
    zipped = [outcome.measurement.compressed_bytes for outcome in outcomes]
    assert zipped == sorted(zipped, reverse=True)
    assert outcomes[-1].variant.flatbuffer is not None
    last = outcomes[-1].form.model
    for kernel in last.get_weights()[0::2]:
        assert len(np.unique(kernel[kernel != 0])) <= 8
    # Idle neurons take their zeros with them, so the share is not exactly as asked.
    assert sparsity_of(last) > 0.8


def test_training_at_four_bits_keeps_the_zeros(kept):
    *_, pruned, second = put_through(kept, *STAGES[:2], Quantize(4, QUICK, STILL))
    for before, after in zip(
        pruned.form.model.get_weights()[0::2], second.form.model.get_weights()[0::2], strict=True
    ):
        assert not after[before == 0].any()
        assert len(np.unique(after)) <= 15


def test_a_second_run_reads_everything_from_the_cache(built, kept):
    first, second = built[0], put_through(kept, *STAGES)
    assert [outcome.is_new for outcome in first] == [True] * len(STAGES)
    assert [outcome.is_new for outcome in second] == [False] * len(STAGES)
    for a, b in zip(first, second, strict=True):
        for ours, theirs in zip(
            a.form.model.get_weights(), b.form.model.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)


def test_only_the_changed_stage_and_later_ones_are_rebuilt(kept):
    changed = replace(STAGES[1], pruning=Pruning(sparsity=0.8))
    outcomes = put_through(kept, STAGES[0], changed, STAGES[3])
    assert [outcome.is_new for outcome in outcomes] == [False, True, True]
    # Another seed is another stage, too; eight bits only round.
    for seed, expected in ((0, True), (1, True), (0, False)):
        (outcome,) = put_through(kept, STAGES[3], seed=seed)
        assert outcome.is_new == expected


class Ended(BaseException):
    """How the tests' watcher ends a build."""


class Watcher:
    """Notes what is reported; ends the build in a part, after some steps."""

    def __init__(self, end_in="", after=0):
        self.end_in, self.after = end_in, after
        self.planned, self.begun, self.steps = [], [], {}

    def plan(self, parts):
        self.planned = [part.name for part in parts]

    def begin(self, part):
        self.begun.append(part.name)
        self.part = part
        self.steps[part.name] = 0
        self.update(0)

    def update(self, steps=1):
        self.steps[self.part.name] += steps
        if self.part.name == self.end_in and self.steps[self.end_in] >= self.after:
            raise Ended


def test_stages_may_have_any_order_and_an_ended_build_keeps_only_finished_stages(tmp_path, capsys):
    watcher = Watcher(end_in="prune90", after=3)
    with pytest.raises(Ended):
        put_through(tmp_path, *reversed(STAGES), progress=watcher)
    assert watcher.planned == ["int8", "cluster8", "prune90", "distil"]
    assert watcher.steps["cluster8"] == 11
    names = [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"]
    assert sorted(name.split("-")[2] for name in names) == ["cluster8", "int8"]
    again = Watcher()
    outcomes = put_through(tmp_path, *reversed(STAGES), progress=again)
    assert [outcome.is_new for outcome in outcomes] == [False, False, True, True]
    assert again.planned == ["prune90", "distil"]
    assert again.begun[-1] == f"measuring {outcomes[-1].variant.name}"
    # Whoever watches shows the progress; no bar does so as well.
    assert capsys.readouterr() == ("", "")

    assert outcomes[-1].form.bits == 8
    zeros = [int((each.form.model.get_weights()[0] == 0).sum()) for each in outcomes]
    quantized, clustered, *after_pruning = zeros
    assert max(quantized, clustered) < after_pruning[0]
    # Distillation comes last and gives back none.
    assert min(after_pruning) == after_pruning[0]


def test_a_build_can_be_ended_while_the_teacher_trains_or_answers_and_asks_it_once(
    tmp_path, monkeypatch
):
    # How large the teacher is doesn't matter here.
    monkeypatch.setattr(models, "cnn", partial(models.mlp, hidden_units=4))
    notices, teaching = [], Settings(epochs=1, dropout=True)

    def build(watcher):
        return put_through(
            tmp_path, STAGES[0], progress=watcher, teaching=teaching, notices=notices
        )

    for part in ("teacher", "the teacher's answers"):
        with pytest.raises(Ended):
            build(Watcher(end_in=part, after=1))
        assert not list(tmp_path.glob(".*.tmp"))
    for expected in (["the teacher's answers", "distil"], []):
        watcher = Watcher()
        (outcome,) = build(watcher)
        assert watcher.begun == [*expected, f"measuring {outcome.variant.name}"]
    made = sorted(path.name.split("-")[0] for path in tmp_path.iterdir() if path.name[0] != ".")
    assert made == ["logits", "stage", "teacher"]
    assert notices == []


def test_two_processes_at_once_make_all_once_and_a_kill_loses_only_the_running_stage(tmp_path):
    barrier, results = CONTEXT.Barrier(2), CONTEXT.Queue()
    process = CONTEXT.Process(target=in_another_process, args=(tmp_path, barrier, results))
    process.start()

    def is_making_another_stage():
        """Whether a hidden folder stands beside the whole ones."""
        assert process.is_alive()
        return list(tmp_path.glob(".stage-*.tmp"))

    try:
        barrier.wait(WATCHDOG_S)
        first, weights = train_and_put_through(tmp_path, *STAGES[:1])
        second, same = results.get(timeout=WATCHDOG_S)
        wait_until(is_making_another_stage, "the endless stage")
    finally:
        process.kill()
        process.join(WATCHDOG_S)
    assert [sorted(pair) for pair in zip(first, second, strict=True)] == [[False, True]] * 2
    assert weights == same
    again, _ = train_and_put_through(tmp_path, *STAGES[:1])
    assert again == [False] * 2


@pytest.mark.parametrize(
    ("stages", "error", "text"),
    [((), ValueError, "at least one"), ((Prune,), TypeError, r"Prune\(\), not Prune")],
)
def test_other_recipes_are_refused(tmp_path, stages, error, text):
    with pytest.raises(error, match=text):
        put_through(tmp_path, *stages)


def test_a_width_that_no_file_has_is_refused():
    with pytest.raises(ValueError, match="one of 4, 8"):
        Quantize(3)
