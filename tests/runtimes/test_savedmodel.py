"""SavedModels: exported whole, loaded with clear errors, equal to Keras."""

import shutil

import numpy as np
import pytest

from deployworkbook.runtimes.base import Artifact, Predictor
from deployworkbook.training.keras import tf
from deployworkbook.training.variant import Variant


def test_it_predicts_what_keras_predicts(runtime, artifact, variant, digits):
    predict = runtime.load(artifact)
    ours = predict(digits.test.images)
    keras = variant.model.predict(digits.test.images, verbose=0)
    # The same graph, compiled twice: float32 sums may be ordered differently.
    np.testing.assert_allclose(ours, keras, atol=1e-6)
    assert ours.dtype == np.float32


def test_exporting_says_nothing(runtime, variant, tmp_path, capfd):
    runtime.export(variant, tmp_path)
    assert capfd.readouterr() == ("", "")


def test_a_second_export_replaces_the_first_and_leaves_nothing_beside_it(
    runtime, variant, tmp_path
):
    first = runtime.export(variant, tmp_path)
    (first.path / "stale").write_text("from the first")
    second = runtime.export(variant, tmp_path)
    assert second.path == first.path
    assert not (second.path / "stale").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["float32.savedmodel"]


def test_an_export_that_fails_keeps_the_earlier_one(runtime, variant, tmp_path):
    class Broken:
        def export(self, path):
            (path / "half").write_text("half")
            raise RuntimeError("disk full")

    earlier = runtime.export(variant, tmp_path)
    with pytest.raises(RuntimeError, match="disk full"):
        runtime.export(Variant("float32", Broken()), tmp_path)
    assert runtime.load(earlier)
    assert [path.name for path in tmp_path.iterdir()] == ["float32.savedmodel"]


def test_a_litert_file_is_refused_with_a_remedy(runtime, tmp_path):
    with pytest.raises(ValueError, match="litert"):
        runtime.export(Variant("int8", flatbuffer=b"TFL3"), tmp_path)


def test_what_is_missing_or_damaged_says_so(runtime, artifact, tmp_path):
    with pytest.raises(FileNotFoundError, match="Export it again"):
        runtime.load(Artifact(tmp_path / "none", "savedmodel", "float32"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no record.*Export it again"):
        runtime.load(Artifact(tmp_path / "empty", "savedmodel", "float32"))
    copy = shutil.copytree(artifact.path, tmp_path / "copy")
    (copy / "variables" / "variables.index").unlink()
    with pytest.raises(ValueError, match=r"variables\.index is missing. Export it again"):
        runtime.load(Artifact.at(copy))


def test_a_graph_without_the_signature_is_refused(runtime, tmp_path):
    class Plain:
        def export(self, folder):
            tf.saved_model.save(tf.Module(), folder)

    plain = runtime.export(Variant("plain", Plain()), tmp_path)
    with pytest.raises(ValueError, match="signature 'serving_default'"):
        runtime.load(plain)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 28, 28)),
        np.zeros((28, 28), np.float32),
        np.zeros((0, 28, 28), np.float32),
        np.zeros((1, 27, 28), np.float32),
        [[0.0]],
    ],
)
def test_other_images_are_refused(runtime, artifact, images):
    with pytest.raises(ValueError, match="float32 of shape"):
        runtime.load(artifact)(images)


def test_a_predictor_says_what_runs_it(runtime, artifact):
    predict = runtime.load(artifact)
    assert isinstance(predict, Predictor)
    assert predict.runtime == "savedmodel"
    assert predict.runtime_version[0].isdigit()
