"""A form's name says all that made it."""

from dataclasses import fields, replace

import pytest

from deployworkbook.compression import pipeline
from deployworkbook.compression.augmentation import Augmentation
from deployworkbook.compression.clustering import Clustering
from deployworkbook.compression.distill import TEACHING
from deployworkbook.compression.grid import SweepPoint
from deployworkbook.compression.naming import MAX_CHARACTERS, name_of
from deployworkbook.compression.pruning import Pruning
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.stages import LONG, Cluster, Distil, Prune, Quantize
from deployworkbook.training.variant import Variant

PRUNE = Prune(Pruning(sparsity=0.97, fade=0.01))
# Another value for every setting but the seed, which the pipeline overrules.
OTHER = {
    "epochs": 6,
    "batch_size": 64,
    "learning_rate": 1e-5,
    "decay": "constant",
    "temperature": 1.0,
    "hard_weight": 0.5,
    "dropout": True,
}
OTHER_PRUNING = {
    "sparsity": 0.123456789,
    "criterion": "taylor",
    "scope": "layer",
    "full": 0.5,
    "settled": 0.7,
    "every": 10,
    "sample": 10,
    "fade": 0.5,
}


def test_default_settings_are_not_named():
    assert name_of(pipeline.RECIPE) == "prune97.5-int4"
    assert name_of([Cluster(Clustering(values=8)), Quantize(8)]) == "cluster8-int8"


def test_variants_of_one_sparsity_differ_by_their_epochs():
    settle = replace(Quantize().settings, epochs=3)
    brief = replace(LONG, epochs=6)
    name = name_of([replace(PRUNE, settings=brief), Quantize(4, settle)])
    assert name == "prune97-e6-int4-e3"


def test_every_setting_changes_the_name():
    assert OTHER.keys() | {"seed"} == {field.name for field in fields(Settings)}
    assert OTHER_PRUNING.keys() == {field.name for field in fields(Pruning)}
    forms = [
        [PRUNE],
        *([replace(PRUNE, settings=replace(LONG, **{name: OTHER[name]}))] for name in OTHER),
        *(
            [replace(PRUNE, pruning=replace(PRUNE.pruning, **{name: OTHER_PRUNING[name]}))]
            for name in OTHER_PRUNING
        ),
        [replace(PRUNE, augmentations=(Augmentation(),))],
        [replace(PRUNE, augmentations=(Augmentation(right=1),))],
        [Cluster()],
        [Cluster(Clustering(seed=1))],
        [Distil()],
    ]
    names = {name_of(form) for form in forms}
    names |= {name_of([PRUNE], seed=1), name_of([PRUNE], teaching=None)}
    names.add(name_of([PRUNE], teaching=replace(TEACHING, epochs=1)))
    assert len(names) == len(forms) + 3
    for name in names:
        assert Variant(name, flatbuffer=b"").name == name


def test_settings_without_effect_are_not_named():
    overruled = replace(PRUNE, settings=replace(LONG, seed=7))
    assert name_of([overruled]) == name_of([PRUNE])
    assert name_of([Quantize(8, Settings(epochs=1))]) == "int8"


def test_a_long_name_is_shortened_for_a_folder():
    different = replace(PRUNE, settings=Settings(**OTHER), pruning=Pruning(**OTHER_PRUNING))
    first, second = (name_of([different] * count) for count in (3, 4))
    assert len(first) == len(second) == MAX_CHARACTERS
    assert first != second


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "prune90-T2-int4"),
        ({"epochs": 8}, "prune90-T2-int4"),
        ({"epochs": 1}, "prune90-T2-int4-e1"),
        ({"seed": 3}, "prune90-T2-int4-seed3"),
    ],
)
def test_a_point_of_a_sweep_names_its_epochs_and_seed(settings, name):
    assert SweepPoint(4, 0.9, 2.0).name(**settings) == name
