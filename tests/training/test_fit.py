"""Training, its stop condition, and the cache that trains once."""

import multiprocessing
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deployworkbook.training import fit as subject
from deployworkbook.training.data import load_dataset
from deployworkbook.training.fit import History, Recipe, baseline, fit, train
from deployworkbook.training.keras2 import keras, set_seed
from deployworkbook.training.models import mlp

ONE_EPOCH = Recipe(epochs=1)


def train_in_another_process(folder, barrier, results):
    """What two processes run at once."""
    data = load_dataset("digits")
    barrier.wait()
    trained = baseline(data, ONE_EPOCH, folder=Path(folder), notice=lambda text: None)
    results.put((trained.is_new, trained.model.get_weights()[0].sum().item()))


@pytest.fixture(scope="module")
def first(digits, tmp_path_factory):
    """One epoch on the digits, trained once, and the folder that keeps it."""
    folder = tmp_path_factory.mktemp("models")
    return baseline(digits, ONE_EPOCH, folder=folder), folder


@pytest.fixture
def kept(first, tmp_path):
    """A folder of the test's own that keeps the first model."""
    return shutil.copytree(first[1], tmp_path / "kept")


def compiled(seed=0, learning_rate=0.001):
    set_seed(seed)
    model = mlp(hidden_units=16)
    model.compile(
        keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", ["accuracy"]
    )
    return model


def test_training_lowers_the_loss_and_reports_each_epoch(digits, capsys):
    history = fit(compiled(), digits, epochs=3)
    assert len(history.loss) == len(history.validation_accuracy) == 3
    assert history.validation_loss[-1] < history.validation_loss[0]
    assert "epoch 3/3" in capsys.readouterr().err


def test_early_stopping_keeps_the_best_epoch(digits):
    # At this rate the loss bounces, so that patience ends the training early.
    model = compiled(learning_rate=0.3)
    history = fit(model, digits, epochs=30, patience=2)
    assert len(history.loss) < 30
    assert len(history.loss) == history.kept_epoch + 2
    kept, _ = model.evaluate(digits.validation.images, digits.validation.labels, verbose=0)
    assert kept == pytest.approx(min(history.validation_loss), rel=1e-5)


def test_the_best_epoch_is_kept_without_early_stopping(digits):
    model = compiled(learning_rate=0.3)
    history = fit(model, digits, epochs=4, patience=10)
    assert len(history.loss) == 4
    kept, _ = model.evaluate(digits.validation.images, digits.validation.labels, verbose=0)
    assert kept == pytest.approx(min(history.validation_loss), rel=1e-5)


def test_a_diverged_epoch_is_never_the_best():
    nan = float("nan")
    assert History((1.0,) * 3, (0.1,) * 3, (nan, 2.0, nan), (0.1,) * 3).kept_epoch == 2


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_a_seed_gives_the_same_model(digits, architecture):
    recipe = replace(ONE_EPOCH, architecture=architecture)
    first, _ = train(digits, recipe)
    second, _ = train(digits, recipe)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_seed_gives_another_model(first, digits):
    other, _ = train(digits, replace(ONE_EPOCH, seed=1))
    assert not np.array_equal(first[0].model.get_weights()[0], other.get_weights()[0])


def test_many_steps_per_execution_give_the_same_weights(digits, capsys):
    recipe = Recipe(epochs=2)
    together, history = train(digits, recipe)
    set_seed(recipe.seed)
    one_by_one = mlp()
    one_by_one.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy", ["accuracy"])
    assert fit(one_by_one, digits, epochs=2) == history
    for a, b in zip(together.get_weights(), one_by_one.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # Both bars end at all of their steps, and the model predicts batch by batch again.
    steps = 2 * -(-len(digits.train) // 32)
    assert capsys.readouterr().err.count(f"{steps}/{steps}") >= 2
    assert int(together.steps_per_execution.numpy()) == 1


def test_the_cache_returns_the_same_model(first, kept, digits):
    first, _ = first
    second = baseline(digits, ONE_EPOCH, folder=kept)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.history == second.history
    assert first.trained_at == second.trained_at
    np.testing.assert_array_equal(
        first.model.predict(digits.test.images, verbose=0),
        second.model.predict(digits.test.images, verbose=0),
    )


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"batch_size": 64}, {"learning_rate": 0.01}, {"epochs": 2}]
)
def test_another_recipe_trains_another_model(first, digits, tmp_path, monkeypatch, change):
    recipes = []
    quick = first[0].model, first[0].history
    monkeypatch.setattr(subject, "train", lambda data, recipe: recipes.append(recipe) or quick)
    monkeypatch.setattr(subject.inspect, "getsource", lambda code: "the same")
    for recipe in (ONE_EPOCH, replace(ONE_EPOCH, **change), ONE_EPOCH):
        baseline(digits, recipe, folder=tmp_path)
    assert recipes == [ONE_EPOCH, replace(ONE_EPOCH, **change)]


def test_other_data_train_another_model(kept):
    assert baseline(load_dataset("digits", seed=1), ONE_EPOCH, folder=kept).is_new


def test_a_damaged_model_is_set_aside_and_retrained(digits, kept):
    (file,) = kept.glob("mlp-digits-*/model.keras")
    file.write_bytes(file.read_bytes()[:1000])
    notices = []
    again = baseline(digits, ONE_EPOCH, folder=kept, notice=notices.append)
    assert again.is_new
    assert "model.keras has changed" in notices[0]
    assert len(list(kept.glob("*-damaged-*"))) == 1


def test_the_default_cache_is_in_the_workspace(first, digits, home, monkeypatch):
    quick = first[0].model, first[0].history
    monkeypatch.setattr(subject, "train", lambda data, recipe: quick)
    monkeypatch.setattr(subject.inspect, "getsource", lambda code: "the same")
    baseline(digits, ONE_EPOCH)
    assert list((home / "deployworkbook" / "models").glob("mlp-digits-*/model.keras"))


def test_two_processes_at_once_train_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    processes = [
        context.Process(target=train_in_another_process, args=(str(tmp_path), barrier, results))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    got = [results.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(60)
    assert sorted(is_new for is_new, _ in got) == [False, True]
    assert got[0][1] == got[1][1]


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


@pytest.mark.mnist
def test_on_the_real_mnist_the_recipe_reaches_97_3_percent(mnist, mnist_workspace):
    trained = baseline(mnist, folder=mnist_workspace.models)
    predictions = trained.model.predict(mnist.test.images, verbose=0).argmax(axis=1)
    assert (predictions == mnist.test.labels).mean() >= 0.973
