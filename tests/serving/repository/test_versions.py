"""What is known about versions: cards, lineage, differences, and MLflow's format."""

import json
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from onnx import TensorProto, helper, save_model

from deployworkbook.ledger.machine import Machine
from deployworkbook.ledger.measurement import LedgerEntry, Measurement
from deployworkbook.plots.lineage import lineage_picture
from deployworkbook.serving.repository.cards import make_card, read_card, write_card
from deployworkbook.serving.repository.differences import compare_versions
from deployworkbook.serving.repository.lineage import lineage_of
from deployworkbook.serving.repository.mlflow_format import (
    export_to_mlflow,
    flavors_of,
    import_from_mlflow,
    model_in,
)
from deployworkbook.serving.repository.model_repository import ModelRepository
from deployworkbook.serving.signing.keys import read_public_key, signing_key
from deployworkbook.serving.signing.manifest import verify_folder


def onnx_folder(folder, bias):
    """A classifier of images: class 0, unless the first pixel is above ``bias``."""
    weights = np.zeros((784, 2), np.float32)
    weights[0, 1] = 1.0
    constants = [
        helper.make_tensor("W", TensorProto.FLOAT, weights.shape, weights.ravel().tolist()),
        helper.make_tensor("b", TensorProto.FLOAT, [2], [bias, 0.0]),
        helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 784]),
    ]
    nodes = [
        helper.make_node("Reshape", ["image", "shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "W", "b"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["classes"]),
    ]
    images = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 28, 28])
    classes = helper.make_tensor_value_info("classes", TensorProto.FLOAT, ["n", 2])
    graph = helper.make_graph(nodes, "first pixel", [images], [classes], constants)
    folder.mkdir()
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    save_model(model, folder / "model.onnx")
    return folder


@pytest.fixture
def repository(tmp_path):
    """Three versions: the second and third came from the first."""
    found = ModelRepository(tmp_path / "digits")
    found.publish(onnx_folder(tmp_path / "a", 0.5), variant="float32", label="stable")
    found.publish(
        onnx_folder(tmp_path / "b", 0.6), variant="int8", parent=1, made_by="quantization"
    )
    found.publish(tmp_path / "a", variant="float32", parent=1, made_by="copy", label="canary")
    return found


def row(variant, **figures):
    measured = {"correct": 950, "examples": 1000, "compressed_bytes": 1000} | figures
    measurement = Measurement(variant, "onnx", "1", "mnist", "f1a9", **measured)
    return LedgerEntry(1, "2026-11-30", Machine("m1", "a CPU", 2, 2**30, "Linux"), measurement)


def test_a_card_has_metrics_with_intervals_and_names_what_is_missing(repository):
    entries = [
        row("float32", compressed_bytes=4000),
        row("int8", correct=900),
        row("int8", latency_p50_ms=0.01),
        row("int8", correct=1, latency_p50_ms=9.0),
    ]
    entries[-1] = replace(
        entries[-1], measurement=replace(entries[-1].measurement, runtime="litert")
    )
    card = make_card(repository.version(2), entries, limits=["Not for cheques."])
    (metrics,) = card.metrics
    assert (metrics.correct, metrics.latency_p50_ms, metrics.compression) == (950, 0.01, 4.0)
    assert metrics.accuracy_interval[0] < 0.95 < metrics.accuracy_interval[1]
    assert (card.parent, card.made_by, card.inputs) == (1, "quantization", ("image",))
    assert card.limits[-1] == "Not for cheques."
    assert card.missing == ("Versions of the code that made it.",)
    page = card.as_markdown()
    for words in ("# digits, version 2", "95.00 % of 1,000 images", "4.0 times smaller", "cheques"):
        assert words in page
    assert "\n\n\n" not in page


def test_a_card_without_measurements_says_so(repository):
    card = make_card(repository.version(1), [])
    assert any("the ledger has none" in each for each in card.missing)
    assert "no measurement" in card.as_markdown()


def test_a_card_is_no_part_of_the_model_but_of_the_signature(repository, tmp_path):
    key = signing_key(tmp_path / "keys")
    version = repository.publish(tmp_path / "a", variant="float32", key=key)
    size = version.size_bytes
    card = make_card(version, [row("float32")])
    with pytest.raises(ValueError, match=r"the key to sign it with again.*signing_key"):
        write_card(version, card)
    paths = write_card(version, card, key=key)
    assert json.loads(paths[0].read_text())["version"] == 4
    manifest = verify_folder(version.path, read_public_key(key.public_path))
    assert {path.name for path in paths} < set(manifest.files)
    assert version.damage() == []
    assert version.size_bytes == size
    assert read_card(version)["metrics"][0]["accuracy"] == 0.95
    paths[0].write_text("[]")
    with pytest.raises(ValueError, match="Write the card again"):
        read_card(version)


def test_a_published_version_published_again_gets_a_record_of_its_own(repository):
    first = repository.version(1)
    write_card(first, make_card(first, []))
    again = repository.publish(first.path, parent=1)
    assert read_card(again) is None
    assert again.provenance.parent == 1


def test_lineage_names_parents_and_is_drawn(repository):
    found = lineage_of(repository)
    assert [(each.number, each.parent) for each in found.versions] == [(1, None), (2, 1), (3, 1)]
    picture = lineage_picture(found)
    (axes,) = picture.axes
    words = [text.get_text() for text in axes.texts]
    assert "quantization" in words
    assert any(text.startswith("version 3 (canary)") for text in words)
    assert "Version 2, came from 1 by quantization." in picture.alt
    boxes = {text.get_position() for text in axes.texts if text.get_text().startswith("version")}
    assert len(boxes) == 3
    assert picture.png()
    with pytest.raises(LookupError, match="has no version 9"):
        repository.publish(repository.version(1).path, parent=9)


def test_two_versions_are_compared_on_the_same_images(repository):
    images = np.zeros((10, 28, 28), np.float32)
    images[:4, 0, 0] = 1.0
    images[4:6, 0, 0] = 0.55  # between both thresholds
    labels = np.array([1] * 5 + [0] * 5)
    found = compare_versions(repository.version(1), repository.version(2), images, labels)
    assert (found.first_correct, found.second_correct) == (9, 9)
    assert (found.only_first, found.only_second, found.agreed) == (1, 1, 8)
    assert found.disagreeing == (4, 5)
    assert found.gain_interval[0] < 0 == found.gain < found.gain_interval[1]
    assert found.changed_files == ("model.onnx",)
    assert found.same_interface
    same = compare_versions(repository.version(1), repository.version(3), images, labels)
    assert (same.agreed, same.largest_gap, same.changed_files) == (10, 0.0, ())


def test_a_folder_without_a_model_is_named(repository):
    version = repository.version(1)
    (version.path / "model.onnx").rename(version.path / "other")
    with pytest.raises(ValueError, match=r"version 1: expected a SavedModel.*Received: other"):
        compare_versions(version, version, np.zeros((1, 28, 28), np.float32), np.array([0]))


def test_mlflow_gets_a_flavor_of_its_own_for_what_it_can_load(repository):
    flavors = flavors_of(repository.version(1))
    assert flavors["onnx"] == {"data": "model/model.onnx"}
    assert model_in(flavors) == ("onnx", "model/model.onnx")
    assert model_in({"onnx": {"data": "m.onnx"}, "python_function": {}}) == ("onnx", "m.onnx")
    keras = {"tensorflow": {"data": "data", "model_type": "keras"}}
    module = {"tensorflow": {"data": "data", "model_type": "tf2-module"}}
    assert model_in(module) == ("savedmodel", "data/tf2model")
    for refused in (keras, {"sklearn": {}}, {"onnx": {"data": "../m.onnx"}}, {}):
        with pytest.raises(ValueError, match="loaded by running code"):
            model_in(refused)


@pytest.mark.skipif(find_spec("mlflow") is not None, reason="mlflow is installed")
def test_without_mlflow_its_absence_is_named_with_the_remedy(repository, tmp_path):
    with pytest.raises(ModuleNotFoundError, match="pip install mlflow-skinny"):
        export_to_mlflow(repository.version(1), tmp_path / "out")
    with pytest.raises(ModuleNotFoundError, match="pip install mlflow-skinny"):
        import_from_mlflow(tmp_path, repository)
    assert not (tmp_path / "out").exists()
