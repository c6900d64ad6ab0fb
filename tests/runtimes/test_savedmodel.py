"""SavedModels: exported whole, loaded with clear errors, equal to Keras."""

import shutil

import pytest

from deployworkbook.runtimes.base import Artifact
from deployworkbook.training.keras2 import tf
from deployworkbook.training.variant import Variant


def test_exporting_prints_nothing(runtime, variant, tmp_path, capfd):
    runtime.export(variant, tmp_path)
    assert capfd.readouterr() == ("", "")


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


def test_damaged_and_missing_artifacts_are_refused(runtime, artifact, tmp_path):
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


def writes(values):
    with tf.control_dependencies([tf.io.write_file("/tmp/never", "x")]):  # noqa: S108
        return values + 0.0


def reads(values):
    return values + tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)


def calls_python(values):
    return tf.ensure_shape(tf.py_function(lambda each: each, [values], tf.float32), [None])


def restores(values):
    (kept,) = tf.raw_ops.RestoreV2(
        prefix="/x", tensor_names=["a"], shape_and_slices=[""], dtypes=[tf.float32]
    )
    return values + tf.ensure_shape(kept, [])


@pytest.mark.parametrize("reaching_out", [writes, reads, calls_python, restores])
def test_a_graph_that_accesses_files_is_refused_before_loading(
    runtime, tmp_path, monkeypatch, reaching_out
):
    class Program:
        def export(self, folder):
            module = tf.Module()
            signature = tf.TensorSpec([None], tf.float32)
            module.run = tf.function(reaching_out, input_signature=[signature])
            tf.saved_model.save(module, folder, signatures={"serving_default": module.run})

    planted = runtime.export(Variant("planted", Program()), tmp_path)
    monkeypatch.setattr(tf.saved_model, "load", None)
    with pytest.raises(ValueError, match="arithmetic alone"):
        runtime.load(planted)
