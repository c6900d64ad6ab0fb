"""Publishing an export from the command line."""

import os

import pytest

from deployworkbook.cli import main
from deployworkbook.workspace.folder import Workspace
from tests.serving import forms


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "mine").create()


def export(workspace, dataset, variant, age_s=0):
    """Write what a publisher takes for a SavedModel; no server reads it."""
    folder = workspace.artifacts / dataset / f"{variant}.savedmodel"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(dataset.encode())
    changed = folder.stat().st_mtime - age_s
    os.utime(folder, (changed, changed))
    return folder


def publish(workspace, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["publish", *arguments, "--dir", str(workspace.root)])
    return ended.value.code or 0


def test_an_export_becomes_the_next_version_and_the_command_to_serve_it(workspace, capsys):
    export(workspace, "mnist", "float32")
    for number in (1, 2):
        assert publish(workspace, "float32", "--model", "digits") == 0
        said = " ".join(capsys.readouterr().out.split())
        assert f"version {number} of digits" in said
        assert "deployworkbook serve --model_name=digits --model_base_path=" in said
    base = workspace.published / "digits"
    assert (base / "1" / "saved_model.pb").read_bytes() == b"mnist"
    assert (base / "2" / "saved_model.pb").exists()


def test_the_newest_export_is_taken_unless_a_dataset_is_named(workspace):
    export(workspace, "mnist", "float32", age_s=100)
    export(workspace, "digits", "float32")
    assert publish(workspace, "float32") == 0
    assert publish(workspace, "float32", "--dataset", "mnist") == 0
    base = workspace.published / "float32"
    written = [(base / str(number) / "saved_model.pb").read_bytes() for number in (1, 2)]
    assert written == [b"digits", b"mnist"]


def test_a_form_of_its_own_runtime_is_a_model_of_its_own(workspace, capsys):
    export(workspace, "digits", "float32")
    for kind in ("litert", "onnx"):
        forms.make(kind, workspace.artifacts / "digits" / f"float32.{kind}")
        assert publish(workspace, "float32", "--runtime", kind) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert f"version 1 of float32-{kind}" in said
        assert ("--prefer_tflite_model" in said) == (kind == "litert")
    assert publish(workspace, "float32") == 0
    found = sorted(path.name for path in workspace.published.glob("*/1/*model*"))
    assert found == ["model.onnx", "model.tflite", "saved_model.pb"]
    assert publish(workspace, "float32", "--runtime", "numpy") == 1
    assert "'litert'" in capsys.readouterr().err


def test_the_first_form_that_there_is_gets_published(workspace):
    forms.litert(workspace.artifacts / "digits" / "int4.litert")
    assert publish(workspace, "int4") == 0
    assert (workspace.published / "int4-litert" / "1" / "model.tflite").is_file()


def test_a_variant_without_an_export_is_refused_and_others_are_named(workspace, capsys):
    assert publish(workspace, "float32") == 1
    assert "holds no SavedModel" in capsys.readouterr().err
    export(workspace, "mnist", "int8")
    assert publish(workspace, "int8", "--dataset", "fashion") == 1
    assert "'mnist'" in capsys.readouterr().err
    assert publish(workspace, "float32") == 1
    said = capsys.readouterr().err
    assert "variant: expected" in said
    assert "int8" in said
