"""Versions on disk: published whole or not at all, whoever else publishes and whatever fails."""

import errno
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.compression.coded_file import encode_network, integer_layers, load_coded
from deployworkbook.compression.coded_litert import coded_flatbuffer
from deployworkbook.compression.lean import lean_flatbuffer
from deployworkbook.compression.litert_quantization import quantize
from deployworkbook.runtimes.litert import LiteRTPredictor
from deployworkbook.serving.api.model_files import FILES
from deployworkbook.serving.api.version_folders import versions_below
from deployworkbook.serving.embedded.flags import Options
from deployworkbook.serving.embedded.loading import open_engine
from deployworkbook.serving.repository import state
from deployworkbook.serving.repository.interface import Interface, interface_of
from deployworkbook.serving.repository.model_repository import ModelRepository
from deployworkbook.training.litert_signature import read_signatures
from deployworkbook.training.models import mlp
from deployworkbook.training.variant import Variant
from tests.serving import forms


@pytest.fixture
def repository(tmp_path):
    return ModelRepository(tmp_path / "digits")


@pytest.fixture
def exported(tmp_path):
    """What a publisher takes for a SavedModel; no server reads it."""
    return make_export(tmp_path / "export")


def make_export(folder, size=1000):
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(b"w" * size)
    return folder


def visible(repository):
    return sorted(path.name for path in repository.base_path.iterdir() if path.name[0] != ".")


def unfinished(repository):
    return sorted(path.name for path in repository.base_path.glob(".publishing-*"))


def test_versions_count_up_and_keep_their_record(repository, exported):
    first = repository.publish(exported, variant="float32", note="as trained")
    second = repository.publish(SimpleNamespace(path=exported), label="stable")
    assert (first.number, second.number) == (1, 2)
    assert [version.number for version in repository.versions()] == [2, 1]
    assert second.labels == ("stable",)
    record = repository.version(1).provenance
    assert (record.variant, record.note) == ("float32", "as trained")
    assert record.published_at.endswith("+00:00")
    assert sorted(record.files) == ["saved_model.pb", "variables/variables.data-00000-of-00001"]
    assert first.size_bytes == 1005
    assert visible(repository) == ["1", "2"]
    assert unfinished(repository) == []
    assert exported.is_dir()


def test_the_record_of_an_artifact_goes_into_the_versions(repository, exported):
    (exported / "provenance.json").write_text('{"variant": "int8", "note": "rounded", "form": "k"}')
    record = repository.publish(exported).provenance
    assert (record.variant, record.note, record.source["form"]) == ("int8", "rounded", "k")
    assert "provenance.json" not in record.files


def test_what_was_changed_after_publishing_is_found(repository, exported):
    version = repository.publish(exported)
    assert version.damage() == []
    (version.path / "saved_model.pb").write_bytes(b"other")
    (version.path / "added").write_bytes(b"")
    assert version.damage() == ["added", "saved_model.pb"]
    (version.path / "published.json").write_text("{")
    with pytest.raises(ValueError, match="Publish the model again"):
        version.damage()
    (repository.base_path / "7").mkdir()
    assert repository.version(7).provenance is None


def test_a_keras_model_and_a_variant_are_exported(repository, capfd):
    model = mlp(hidden_units=2)
    plain = repository.publish(model)
    named = repository.publish(Variant("small", model, note="two units"))
    assert (named.provenance.variant, named.provenance.note) == ("small", "two units")
    for version in (plain, named):
        assert (version.path / "saved_model.pb").is_file()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (Variant("int8", flatbuffer=b"TFL3"), ValueError, "not a LiteRT file.*Export it again"),
        (Variant("int8", onnx=b"no graph"), ValueError, "not an ONNX file.*Export it again"),
        (Path("/nowhere/at/all"), FileNotFoundError, "Export the model first"),
        (3, ValueError, "a folder with a model, a Keras model or a variant. Received: 3"),
        (SimpleNamespace(), ValueError, "a folder with a model, a Keras model or a variant"),
    ],
)
def test_other_sources_are_refused(repository, source, error, words):
    with pytest.raises(error, match=words):
        repository.publish(source)
    assert visible(repository) == unfinished(repository) == []


@pytest.mark.parametrize("kind", ["litert", "onnx"])
def test_a_file_keeps_its_names_unless_the_version_before_has_others(repository, tmp_path, kind):
    source = forms.make(kind, tmp_path / kind)
    first = repository.publish(source)
    assert interface_of(first.path) == Interface(("x",), ("y",))
    name = FILES[kind][0]
    assert (first.path / name).read_bytes() == (source / name).read_bytes()
    other = ModelRepository(tmp_path / "other")
    other.publish(mlp(hidden_units=2))
    (before,) = other.versions()
    renamed = other.publish(source)
    assert interface_of(renamed.path) == interface_of(before.path)
    assert interface_of(renamed.path).outputs == ("output_0",)
    assert renamed.damage() == []
    assert interface_of(source) == Interface(("x",), ("y",))


def test_a_files_names_are_used_by_its_runtime(repository, tmp_path):
    repository.publish(mlp(hidden_units=2))
    (name,) = interface_of(repository.version(1).path).inputs
    for kind in ("litert", "onnx"):
        version = repository.publish(forms.make(kind, tmp_path / kind))
        engine = open_engine(version.path, Options(prefer_tflite_model=True))
        (given,) = engine.signatures["serving_default"].inputs
        assert given[0] == name
        (y,) = engine.run([given[1]], [*engine.signatures["serving_default"].outputs.values()],
                          [np.float32([2])])  # fmt: skip
        assert y.tolist() == [3]


def test_integers_at_both_ends_become_floats(repository, digits):
    model = mlp(hidden_units=8)
    variant = quantize(model, "int8-full", images=digits.train.images[:50])
    version = repository.publish(variant)
    images = digits.test.images[:64]
    engine = open_engine(version.path, Options(prefer_tflite_model=True))
    ((_, feed, dtype),) = engine.signatures["serving_default"].inputs
    assert dtype == 1
    (found,) = engine.run(
        [feed], [*engine.signatures["serving_default"].outputs.values()], [images]
    )
    expected = LiteRTPredictor(variant.flatbuffer)(images)
    # Both round half a step, possibly to different sides.
    np.testing.assert_allclose(found, expected, atol=1 / 256)


def test_a_file_without_names_gets_some(repository, digits):
    model = mlp(hidden_units=8)
    content = lean_flatbuffer(model)
    version = repository.publish(Variant("lean", flatbuffer=content))
    signature = read_signatures((version.path / "model.tflite").read_bytes())["serving_default"]
    (tensor,) = signature.inputs.values()
    assert tensor.name == "input_0"
    engine = open_engine(version.path, Options(prefer_tflite_model=True))
    (found,) = engine.run(["input_0"], ["output_0"], [digits.test.images[:5]])
    np.testing.assert_array_equal(found, LiteRTPredictor(content)(digits.test.images[:5]))


def test_a_coded_network_is_published_as_a_litert_file(repository, digits):
    layers = integer_layers(mlp(hidden_units=8).get_weights())
    content = encode_network(layers)
    variant = Variant("coded", flatbuffer=coded_flatbuffer(content))
    version = repository.publish(variant)
    engine = open_engine(version.path, Options(prefer_tflite_model=True))
    (found,) = engine.run(["input_0"], ["output_0"], [digits.test.images[:64]])
    # LiteRT rounds what flows between the layers to 8 bits.
    np.testing.assert_allclose(found, load_coded(content)(digits.test.images[:64]), atol=0.02)


def test_a_folder_without_a_model_is_refused(repository, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"none of saved_model.pb.*model\.export"):
        repository.publish(tmp_path / "empty")


def test_a_file_is_no_repository(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is a file, where a folder"):
        ModelRepository(tmp_path / "file")


def test_labels_move_and_roll_back(repository, exported):
    for _ in range(3):
        repository.publish(exported)
    repository.label("stable", 1)
    repository.label("stable", 2)
    repository.label("stable", 2)
    repository.label("canary", 3)
    assert repository.labels == {"stable": 2, "canary": 3}
    assert repository.roll_back().number == 1
    assert repository.labels == {"stable": 1, "canary": 3}
    with pytest.raises(ValueError, match=r"only version 1.*label\('stable', NUMBER\)"):
        repository.roll_back()
    repository.unlabel("canary")
    assert repository.labels == {"stable": 1}
    for call in (lambda: repository.roll_back("canary"), lambda: repository.unlabel("canary")):
        with pytest.raises(LookupError, match=r"'canary'\. Labels: stable"):
            call()
    with pytest.raises(LookupError, match=r"no version 9\. It has: 3, 2, 1"):
        repository.label("stable", 9)
    with pytest.raises(ValueError, match="label: expected a name"):
        repository.label("", 1)


def test_rolling_back_passes_over_versions_that_have_gone(repository, exported):
    for _ in range(3):
        repository.publish(exported, label="stable")
    shutil.rmtree(repository.base_path / "2")
    assert repository.roll_back().number == 1


def test_old_versions_are_pruned_but_neither_labelled_nor_the_newest(repository, exported):
    for _ in range(5):
        repository.publish(exported)
    repository.label("stable", 2)
    assert repository.prune(keep=2) == [3, 1]
    assert visible(repository) == ["2", "4", "5"]
    assert repository.prune(keep=1) == [4]
    assert repository.prune(keep=1) == []
    with pytest.raises(ValueError, match="at least 1"):
        repository.prune(keep=0)


def test_a_withdrawn_version_is_out_of_sight_and_its_number_is_not_given_again(
    repository, exported
):
    repository.publish(exported, label="stable")
    repository.publish(exported)
    aside = repository.withdraw(2)
    assert (aside / "saved_model.pb").is_file()
    assert visible(repository) == ["1"]
    with pytest.raises(ValueError, match=r"labelled stable.*Roll the label back"):
        repository.withdraw(1)
    repository.unlabel("stable")
    with pytest.raises(ValueError, match=r"the only one.*Publish another one first"):
        repository.withdraw(1)
    # Not even where the state is lost.
    (repository.base_path / ".repository.json").unlink()
    assert repository.publish(exported).number == 3
    assert repository.prune(keep=5) == []
    assert not aside.exists()
    assert repository.publish(exported).number == 4


def test_a_damaged_state_says_what_to_do(repository, exported):
    repository.publish(exported)
    (repository.base_path / ".repository.json").write_text("{")
    with pytest.raises(ValueError, match=r"is damaged.*set the labels again"):
        repository.publish(exported)
    assert visible(repository) == ["1"]
    assert unfinished(repository) == []


def test_what_a_server_is_to_serve(repository, exported):
    for _ in range(4):
        repository.publish(exported)
    assert repository.served().versions == (4,)
    repository.label("stable", 1)
    repository.label("stable", 2)
    served = repository.served()
    assert (served.versions, dict(served.labels)) == ((2, 4), {"stable": 2})
    # A server that has not loaded 2 yet keeps the label where it was, and that version too.
    early = repository.served([1])
    assert (early.versions, dict(early.labels)) == ((1, 2, 4), {"stable": 1})
    assert dict(repository.served([]).labels) == {}
    # Rolled back to 1, which the server has unloaded: until it has it again, 2 keeps the label.
    repository.roll_back("stable")
    assert dict(repository.served([2, 4]).labels) == {"stable": 2}
    assert dict(repository.served().labels) == {"stable": 1}
    # What is not on the disk cannot stay.
    assert repository.served([9]).versions == (1, 4)


def test_publishers_at_once_get_numbers_of_their_own(repository, exported):
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: repository.publish(exported).number, range(16)))
    assert sorted(numbers) == list(range(1, 17))
    assert all(version.damage() == [] for version in repository.versions())
    assert unfinished(repository) == []


@settings(max_examples=30, deadline=None)
@given(present=st.sets(st.integers(-5, 2**63 - 2)), extra=st.sampled_from(["v3", "5.0", "0099"]))
def test_the_next_number_is_above_all_that_a_server_sees(tmp_path_factory, present, extra):
    base = tmp_path_factory.mktemp("base")
    for name in (*map(str, present), extra):
        (base / name).mkdir()
    exported = make_export(tmp_path_factory.mktemp("export") / "model", size=1)
    highest = max(0, *versions_below(base), 0)
    assert ModelRepository(base).publish(exported).number == highest + 1


def test_the_last_number_is_the_last(repository, exported):
    (repository.base_path / str(2**63 - 1)).mkdir()
    with pytest.raises(ValueError, match="is the largest number possible"):
        repository.publish(exported)
    assert unfinished(repository) == []


# A publisher that stops in the middle, as a slow disk would make it.
PUBLISHER = """
import sys, time
from pathlib import Path
from deployworkbook.serving.repository import publishing
from deployworkbook.serving.repository.interface import Interface, interface_of
from deployworkbook.serving.repository.model_repository import ModelRepository

def stuck(path):
    print("writing", flush=True)
    time.sleep(60)

publishing.flush = stuck
ModelRepository(Path(sys.argv[1])).publish(Path(sys.argv[2]))
"""


@pytest.fixture
def stuck(repository, exported):
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISHER, str(repository.base_path), str(exported)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_what_a_kill_leaves_is_hidden_and_removed_by_the_next_publisher(
    repository, exported, stuck
):
    assert visible(repository) == []
    (left, _) = unfinished(repository)
    # The other one is at work: its files stay.
    assert repository.publish(exported).number == 1
    assert left in unfinished(repository)
    stuck.send_signal(signal.SIGKILL)
    stuck.wait()
    assert left in unfinished(repository)
    assert versions_below(repository.base_path).keys() == {1}
    assert repository.publish(exported).number == 2
    assert unfinished(repository) == []


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 400 kB; where none can be made, the tests below that need one are skipped."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["/bin/mount", "-t", "tmpfs", "-o", "size=400k", "none", str(place)]
    if not Path(command[0]).exists() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["/bin/umount", str(place)], check=True)


def check_refused(repository, publish, *words):
    with pytest.raises(OSError, match="No room to publish") as refused:
        publish()
    assert refused.value.errno == errno.ENOSPC
    for said in (*words, "bytes are free", "prune(keep=1)"):
        assert said in str(refused.value)
    assert visible(repository) == ["1"]
    assert unfinished(repository) == []


def test_a_full_disk_leaves_nothing_and_says_what_to_free(small_disk, tmp_path, exported):
    repository = ModelRepository(small_disk / "digits")
    repository.publish(exported)
    big = make_export(tmp_path / "big", size=600_000)
    check_refused(repository, lambda: repository.publish(big), "the model takes 600,005 bytes")
    # Files of a byte each, which take a page each.
    for number in range(200):
        (exported / str(number)).write_bytes(b"x")
    check_refused(repository, lambda: repository.publish(exported), "No space left")
    # One whose size is known only when it has been written.
    check_refused(repository, lambda: repository.publish(mlp(hidden_units=256)), "No space left")
    assert repository.publish(make_export(tmp_path / "small", size=1)).number == 2


def test_a_disk_with_room_for_any_part_of_a_version_leaves_nothing(small_disk, exported):
    repository = ModelRepository(small_disk / "digits")
    repository.publish(exported)
    filler, refused = small_disk / "filler", []
    for pages in range(32):
        filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - pages * 4096))
        try:
            repository.publish(exported)
        except OSError as error:
            refused.append(str(error))
        else:
            break
        finally:
            filler.unlink()
        assert visible(repository) == ["1"]
        assert unfinished(repository) == []
    assert len(refused) > 2
    assert all("nothing was left behind" in text for text in refused)
    assert len(visible(repository)) == 2


def fail_to_write(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_version_is_out_of_sight_where_its_number_cannot_be_written(
    repository, exported, monkeypatch
):
    monkeypatch.setattr(state, "write_atomically", fail_to_write)
    with pytest.raises(OSError, match=r"No room to publish.*nothing was left behind"):
        repository.publish(exported)
    assert visible(repository) == unfinished(repository) == []


def test_a_version_that_cannot_be_labelled_is_said_to_be_published(
    repository, exported, monkeypatch
):
    repository.publish(exported)
    monkeypatch.setattr(ModelRepository, "label", fail_to_write)
    with pytest.raises(OSError, match=r"Version 2 is published, but not labelled 'canary'"):
        repository.publish(exported, label="canary")
    assert visible(repository) == ["1", "2"]


def test_other_errors_pass_as_they_are(repository):
    class Broken:
        def export(self, path):
            path.mkdir()
            raise RuntimeError("no graph")

    with pytest.raises(RuntimeError, match=r"^no graph$"):
        repository.publish(Broken())
    assert unfinished(repository) == []


def test_a_reader_never_sees_a_part(repository, exported):
    done, seen = threading.Event(), []

    def watch():
        while not done.is_set():
            for path in versions_below(repository.base_path).values():
                seen.append(sum(1 for _ in path.rglob("*")))

    thread = threading.Thread(target=watch)
    thread.start()
    for _ in range(20):
        repository.publish(exported)
    time.sleep(0.01)
    done.set()
    thread.join()
    assert set(seen) == {4}
