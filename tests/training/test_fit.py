"""Training, its stop condition, and the cache that trains once."""

import functools
import io
import shutil
from contextlib import redirect_stderr
from dataclasses import replace

import numpy as np
import pytest

from deployworkbook.ledger.machine import this_machine
from deployworkbook.training import fit as subject
from deployworkbook.training.data import load_dataset
from deployworkbook.training.fit import History, Recipe, baseline, fit, train
from deployworkbook.training.keras2 import keras, set_seed, tf
from deployworkbook.training.models import mlp
from deployworkbook.workspace.folder import SHARED_VARIABLE

BRIEF = Recipe(epochs=2)


@pytest.fixture(scope="module")
def first(digits, tmp_path_factory):
    """Two epochs on the digits, trained once, and the folder that keeps them."""
    folder = tmp_path_factory.mktemp("models")
    return baseline(digits, BRIEF, folder=folder), folder


@pytest.fixture(scope="module")
def again(digits):
    """The same without a cache: model, history, and what was written meanwhile."""
    with redirect_stderr(io.StringIO()) as said:
        return *train(digits, BRIEF), said


@pytest.fixture
def kept(first, tmp_path):
    """A folder of the test's own that keeps the first model."""
    return shutil.copytree(first[1], tmp_path / "kept")


@pytest.fixture
def asked(first, monkeypatch):
    """The recipes that are asked for, where training takes no time."""
    recipes = []

    # The cache's key contains the code of the wrapped function.
    @functools.wraps(train)
    def quick(data, recipe):
        recipes.append(recipe)
        return first[0].model, first[0].history

    monkeypatch.setattr(subject, "train", quick)
    return recipes


@pytest.fixture(scope="module")
def graph():
    """A compiled model with its first weights: building its graph takes seconds."""
    set_seed(0)
    model = mlp(hidden_units=16)
    model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy", ["accuracy"])
    return model, model.get_weights()


@pytest.fixture
def fresh(graph):
    """Give that model as if it had been compiled just now."""

    def reset(learning_rate=0.001):
        model, weights = graph
        set_seed(0)
        model.set_weights(weights)
        for variable in model.optimizer.variables:
            variable.assign(tf.zeros_like(variable))
        model.optimizer.learning_rate.assign(learning_rate)
        return model

    return reset


def test_training_lowers_the_loss_and_reports_each_epoch(again):
    _, history, said = again
    assert len(history.loss) == len(history.validation_accuracy) == BRIEF.epochs
    assert history.validation_loss[-1] < history.validation_loss[0]
    assert "epoch 2/2" in said.getvalue()


def test_early_stopping_keeps_the_best_epoch(fresh, digits):
    # At this rate the loss bounces, so that patience ends the training early.
    model = fresh(learning_rate=0.3)
    history = fit(model, digits, epochs=30, patience=2)
    assert len(history.loss) < 30
    assert len(history.loss) == history.kept_epoch + 2
    kept, _ = model.evaluate(digits.validation.images, digits.validation.labels, verbose=0)
    assert kept == pytest.approx(min(history.validation_loss), rel=1e-5)


def test_the_best_epoch_is_kept_without_early_stopping(fresh, digits):
    model = fresh(learning_rate=0.3)
    history = fit(model, digits, epochs=4, patience=10)
    assert len(history.loss) == 4
    kept, _ = model.evaluate(digits.validation.images, digits.validation.labels, verbose=0)
    assert kept == pytest.approx(min(history.validation_loss), rel=1e-5)


def test_a_diverged_epoch_is_never_the_best():
    nan = float("nan")
    assert History((1.0,) * 3, (0.1,) * 3, (nan, 2.0, nan), (0.1,) * 3).kept_epoch == 2


def assert_same_weights(model, other):
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_seed_gives_the_same_model(first, again):
    assert_same_weights(first[0].model, again[0])
    assert again[1] == first[0].history


def test_a_seed_gives_the_same_convolutional_model(digits):
    few = replace(digits, train=digits.train.take(64))
    assert_same_weights(*(train(few, Recipe("cnn", epochs=1))[0] for _ in range(2)))


def test_another_seed_gives_another_model(first, digits):
    few = replace(digits, train=digits.train.take(64))
    other, _ = train(few, Recipe(epochs=1, seed=1))
    # The first's 82 steps and these two move a weight by about 0.001 each.
    assert np.abs(other.get_weights()[0] - first[0].model.get_weights()[0]).max() > 0.1


def test_many_steps_per_execution_give_the_same_weights(again, digits, capsys):
    together, history, said = again
    set_seed(BRIEF.seed)
    one_by_one = mlp()
    one_by_one.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy", ["accuracy"])
    assert fit(one_by_one, digits, epochs=BRIEF.epochs) == history
    assert_same_weights(together, one_by_one)
    # Both bars end at all of their steps, and the model predicts batch by batch again.
    steps = BRIEF.epochs * -(-len(digits.train) // 32)
    for written in (said.getvalue(), capsys.readouterr().err):
        assert f"{steps}/{steps}" in written
    assert int(together.steps_per_execution.numpy()) == 1


def test_the_cache_returns_the_same_model(first, kept, digits):
    first, _ = first
    second = baseline(digits, BRIEF, folder=kept)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.history == second.history
    assert first.trained_at == second.trained_at
    np.testing.assert_array_equal(
        first.model.predict(digits.test.images, verbose=0),
        second.model.predict(digits.test.images, verbose=0),
    )


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"batch_size": 64}, {"learning_rate": 0.01}, {"epochs": 3}]
)
def test_another_recipe_trains_another_model(asked, digits, tmp_path, change):
    for recipe in (BRIEF, replace(BRIEF, **change), BRIEF):
        baseline(digits, recipe, folder=tmp_path)
    assert asked == [BRIEF, replace(BRIEF, **change)]


def test_other_data_train_another_model(asked, kept):
    assert baseline(load_dataset("digits", seed=1), BRIEF, folder=kept).is_new


def test_a_damaged_model_is_set_aside_and_retrained(asked, digits, kept):
    (file,) = kept.glob("mlp-digits-*/model.keras")
    file.write_bytes(file.read_bytes()[:1000])
    notices = []
    again = baseline(digits, BRIEF, folder=kept, notice=notices.append)
    assert again.is_new
    assert asked == [BRIEF]
    assert "model.keras has changed" in notices[0]
    assert len(list(kept.glob("*-damaged-*"))) == 1


def test_the_default_cache_is_in_the_workspace(asked, digits, home):
    baseline(digits, BRIEF)
    assert list((home / "deployworkbook" / "models").glob("mlp-digits-*/model.keras"))


def test_a_shared_model_is_not_trained_again_and_names_its_machine(
    digits, first, asked, home, monkeypatch
):
    monkeypatch.setenv(SHARED_VARIABLE, str(first[1]))
    shared = baseline(digits, BRIEF, notice=pytest.fail)
    assert asked == []
    assert not shared.is_new
    assert shared.seconds == first[0].seconds
    assert shared.machine == first[0].machine == str(this_machine())
    assert not (home / "deployworkbook" / "models").exists()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"epochs": 0}, ValueError),
        ({"epochs": 1.5}, TypeError),
        ({"architecture": "transformer"}, ValueError),
        ({"learning_rate": 0}, ValueError),
        ({"patience": 0}, ValueError),
        ({"seed": -1}, ValueError),
    ],
)
def test_a_wrong_recipe_is_refused(change, error):
    with pytest.raises(error):
        Recipe(**change)
