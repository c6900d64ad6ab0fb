"""Each artifact says where it comes from, and is loaded only as it was written."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import pytest

from deployworkbook.runtimes.base import Artifact
from deployworkbook.runtimes.exporting import check_artifact, write_artifact
from deployworkbook.runtimes.litert import LiteRTRuntime
from deployworkbook.runtimes.onnx import ONNXRuntime
from deployworkbook.runtimes.provenance import Provenance, sha256_of
from deployworkbook.training.variant import Variant


@pytest.fixture(scope="module")
def original(variant, tmp_path_factory):
    noted = Variant("float32", variant.model, note="trained for one epoch")
    return LiteRTRuntime().export(noted, tmp_path_factory.mktemp("litert"))


@pytest.fixture
def litert(original, tmp_path):
    """An artifact that a test may damage."""
    return Artifact.at(shutil.copytree(original.path, tmp_path / "models" / original.path.name))


def test_the_record_contains_variant_runtime_and_versions(litert):
    found = litert.provenance
    assert (found.variant, found.runtime) == ("float32", "litert")
    assert found.note == "trained for one epoch"
    assert found.form == "a Keras model"
    assert found.versions["ai-edge-litert"] == version("ai-edge-litert")
    assert found.versions["deployworkbook"] == version("deployworkbook")
    assert found.files == {"model.tflite": sha256_of(litert.path / "model.tflite")}
    assert datetime.now(UTC) - datetime.fromisoformat(found.made_at) < timedelta(minutes=5)


def test_the_record_names_no_machine_user_or_path(litert, tmp_path):
    import getpass
    import platform

    text = (litert.path / "provenance.json").read_text()
    for word in (str(tmp_path), platform.node(), getpass.getuser()):
        assert word not in text


def test_an_artifact_is_found_by_its_folder(litert, tmp_path):
    assert Artifact.at(litert.path) == litert
    moved = litert.path.rename(tmp_path / "elsewhere")
    assert LiteRTRuntime().load(Artifact.at(moved))


def test_equal_files_have_equal_hashes(litert, tmp_path):
    content = (litert.path / "model.tflite").read_bytes()
    again = LiteRTRuntime().export(Variant("other", flatbuffer=content), tmp_path)
    assert again.provenance.files == litert.provenance.files
    other = LiteRTRuntime().export(Variant("other", flatbuffer=content + b"\0"), tmp_path)
    assert other.provenance.files != litert.provenance.files


def test_an_artifact_of_another_runtime_is_refused_with_its_name(artifact):
    with pytest.raises(ValueError, match="Load it with the runtime 'savedmodel'"):
        LiteRTRuntime().load(artifact)


def test_a_single_changed_bit_is_noticed(litert):
    path = litert.path / "model.tflite"
    content = bytearray(path.read_bytes())
    content[-1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"is damaged: model\.tflite has changed"):
        LiteRTRuntime().load(litert)


def test_a_missing_file_is_noticed_and_a_foreign_one_is_ignored(litert):
    (litert.path / ".DS_Store").write_text("left by a file manager")
    check_artifact(litert, "litert")
    (litert.path / "model.tflite").unlink()
    with pytest.raises(ValueError, match=r"model\.tflite is missing"):
        check_artifact(litert, "litert")


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: "",
        lambda record: "[]",
        lambda record: "\0",
        lambda record: json.dumps(record)[:-9],
        lambda record: json.dumps(record | {"more": 1}),
        lambda record: json.dumps({**record, "files": ["model.tflite"]}),
        lambda record: json.dumps({**record, "runtime": None}),
    ],
)
def test_a_damaged_record_is_refused(litert, damage):
    path = litert.path / "provenance.json"
    path.write_text(damage(json.loads(path.read_text())))
    with pytest.raises(ValueError, match=r"provenance\.json is damaged .*Export it again"):
        LiteRTRuntime().load(litert)
    with pytest.raises(ValueError, match="Export it again"):
        Artifact.at(litert.path)


def test_a_record_that_points_outside_the_folder_is_refused(litert, tmp_path):
    path = litert.path / "provenance.json"
    record = json.loads(path.read_text())
    (tmp_path / "outside").write_text("text")
    for name in ("../../outside", str(tmp_path / "outside")):
        path.write_text(json.dumps(record | {"files": {name: sha256_of(tmp_path / "outside")}}))
        with pytest.raises(ValueError, match="damaged"):
            Artifact.at(litert.path)


def test_an_artifact_without_a_record_is_refused(litert):
    (litert.path / "provenance.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"no record.*Export it again"):
        LiteRTRuntime().load(litert)


def test_a_form_that_a_runtime_cannot_take_is_refused_with_the_reason(tmp_path):
    int8 = Variant("int8", flatbuffer=b"TFL3")
    with pytest.raises(ValueError, match=r"int8: expected a Keras model or an ONNX file.*litert"):
        ONNXRuntime().export(int8, tmp_path)


EXPORT_OFTEN = """
import itertools
import sys
from pathlib import Path
from deployworkbook.runtimes.exporting import write_artifact
from deployworkbook.training.variant import Variant

directory, stop, own = sys.argv[1:]
for turn in itertools.count():
    if Path(stop).exists():
        sys.exit()
    text = f"{own} {turn}"
    write_artifact(
        Variant("same", flatbuffer=b"TFL3", note=text),
        Path(directory),
        runtime="litert",
        write=lambda folder: [(folder / name).write_text(text) for name in ("first", "second")],
    )
"""


def test_two_exporters_and_a_reader_at_once_see_whole_artifacts(tmp_path):
    """Each export is one writer's, files and record; a reader never finds it damaged."""
    folder, stop = tmp_path / "models", tmp_path / "stop"
    command = [sys.executable, "-c", EXPORT_OFTEN, str(folder), str(stop)]
    writers = [subprocess.Popen([*command, own]) for own in "ab"]
    artifact = Artifact(folder / "same.litert", "litert", "same")
    seen = {"a": set(), "b": set()}
    try:
        # Both write all the while, so what is read lies between exports of either.
        while min(map(len, seen.values())) < 20:
            assert [writer.poll() for writer in writers] == [None, None]
            if artifact.path.exists():
                check_artifact(artifact, "litert")
                note = artifact.provenance.note
                seen[note[0]].add(note)
    finally:
        stop.touch()
        codes = [writer.wait() for writer in writers]
    assert codes == [0, 0]
    check_artifact(artifact, "litert")
    assert {path.read_text() for path in artifact.files} == {artifact.provenance.note}
    assert [path.name for path in folder.iterdir()] == ["same.litert"]


def test_a_killed_export_keeps_the_earlier_one(litert, tmp_path):
    before = litert.provenance

    def die(folder):
        (folder / "model.tflite").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_artifact(
            Variant("float32", flatbuffer=b"TFL3"), litert.path.parent, runtime="litert", write=die
        )
    assert litert.provenance == before
    check_artifact(litert, "litert")


def test_a_record_written_and_read_is_the_same(tmp_path):
    record = Provenance("é", "note", "a form", "litert", {"a": "1"}, "2026-01-01", {"b": "2"})
    record.write(tmp_path)
    assert Provenance.read(tmp_path) == record
