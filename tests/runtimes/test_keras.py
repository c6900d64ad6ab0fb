"""Keras files: exported whole and without an optimizer, predicted as one batch."""

import numpy as np
import pytest

from deployworkbook.runtimes.base import Artifact, Predictor
from deployworkbook.runtimes.keras import KerasPredictor, KerasRuntime
from deployworkbook.training.keras2 import keras
from deployworkbook.training.quiet_tensorflow import pin_threads, threads
from deployworkbook.training.variant import Variant


@pytest.fixture(scope="module")
def saved(variant, tmp_path_factory):
    return KerasRuntime().export(variant, tmp_path_factory.mktemp("keras"))


def test_it_predicts_what_the_model_predicts(saved, variant, digits):
    predict = KerasRuntime().load(saved)
    keras_own = variant.model.predict(digits.test.images, verbose=0)
    # The same graph in batches of another size: float32 sums may be ordered differently.
    np.testing.assert_allclose(predict(digits.test.images), keras_own, atol=1e-6)
    assert isinstance(predict, Predictor)
    assert (predict.runtime, predict.runtime_version) == ("keras", keras.__version__)
    assert predict.threads >= 1


def test_a_call_is_one_batch(digits):
    class Model:
        def predict(self, images, *, batch_size, verbose):
            assert (batch_size, verbose) == (len(images), 0)
            return images[:, 0, :10]

    assert KerasPredictor(Model())(digits.test.images[:100]).shape == (100, 10)


def test_the_file_has_the_weights_and_no_optimizer(saved, variant, tmp_path):
    full = tmp_path / "full.keras"
    variant.model.save(full, save_format="keras_v3")
    # Adam keeps two numbers for each weight.
    assert saved.size_bytes < 0.4 * full.stat().st_size
    assert saved.size_bytes > 4 * variant.model.count_params()
    assert variant.model.optimizer is not None


def test_a_second_export_replaces_the_first(saved, variant, tmp_path):
    first = KerasRuntime().export(variant, tmp_path)
    second = KerasRuntime().export(variant, tmp_path)
    assert first.path == second.path
    assert [path.name for path in tmp_path.iterdir()] == ["float32.keras"]


def test_a_litert_file_is_refused_with_a_remedy(tmp_path):
    with pytest.raises(ValueError, match="runtime 'litert'"):
        KerasRuntime().export(Variant("int8", flatbuffer=b"TFL3"), tmp_path)


def test_damaged_and_missing_artifacts_are_refused(variant, tmp_path):
    artifact = KerasRuntime().export(variant, tmp_path)
    (artifact.path / "model.keras").write_bytes(b"text")
    with pytest.raises(ValueError, match="Export it again"):
        KerasRuntime().load(artifact)
    with pytest.raises(FileNotFoundError, match="Export it again"):
        KerasRuntime().load(Artifact(tmp_path / "none", "keras", "none"))


def test_threads_cannot_change_once_tensorflow_has_started(saved):
    KerasRuntime().load(saved)
    with pytest.raises(RuntimeError, match="Restart the kernel"):
        pin_threads(threads() + 1)
