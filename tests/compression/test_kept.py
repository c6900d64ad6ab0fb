"""What a technique makes is made once, and anew where anything differs."""

import numpy as np
import pytest

from deployworkbook.compression.kept import make_once
from deployworkbook.compression.pruning import Pruning, prune, sparsity_of
from deployworkbook.compression.retrain import Settings
from deployworkbook.compression.training_set import Examples
from deployworkbook.training.keras2 import keras

calls = []


def halve(model, examples, *, settings, times=1):
    """Halve all weights, and count."""
    assert isinstance(examples, Examples)
    calls.append((len(examples.images), settings.seed, times))
    copy = keras.models.clone_model(model)
    copy.set_weights([weight / 2**times for weight in model.get_weights()])
    return copy


def look(model, dataset):
    """Take the dataset whole, as the toolkit's techniques do."""
    calls.append(dataset.name)
    return model


@pytest.fixture(autouse=True)
def no_calls():
    calls.clear()


def test_a_result_is_made_once_and_read_back_unchanged(model, digits, tmp_path):
    options = {"folder": tmp_path, "settings": Settings()}
    first, second = (make_once(halve, model, digits, **options) for _ in range(2))
    assert (first.is_new, second.is_new) == (True, False)
    assert calls == [(len(digits.train), 0, 1)]
    assert second.seconds == first.seconds
    for ours, again, before in zip(
        first.model.get_weights(), second.model.get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, before / 2)
        np.testing.assert_array_equal(again, ours)


def test_another_option_model_or_technique_has_its_own_result(model, digits, tmp_path):
    plain = {"folder": tmp_path, "settings": Settings()}
    first = make_once(halve, model, digits, **plain)
    assert make_once(halve, model, digits, **plain | {"settings": Settings(seed=1)}).is_new
    assert make_once(halve, model, digits, **plain, times=2).is_new
    assert make_once(halve, first.model, digits, **plain).is_new
    assert make_once(look, model, digits, folder=tmp_path).is_new
    assert calls[-1] == "digits"


def test_a_pruned_model_keeps_its_zeros_on_disk(model, digits, tmp_path):
    options = {"pruning": Pruning(0.9), "settings": Settings(epochs=1), "folder": tmp_path}
    for _ in range(2):
        kept = make_once(prune, model, digits, **options)
        # 90 % of 101,632 weights are 91,468.8, which rounds up.
        assert sparsity_of(kept.model) == pytest.approx(91469 / 101632, abs=1e-12)
