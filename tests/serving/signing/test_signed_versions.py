"""Signed versions: whatever is altered, added or exchanged is refused before it is opened."""

import json
import os
import stat
import sys

import numpy as np
import pytest
from onnx import TensorProto, helper, save_model

from deployworkbook.serving.embedded import loading
from deployworkbook.serving.embedded.config import ModelConfig
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.flags import Options
from deployworkbook.serving.embedded.loading import open_engine, read_trusted, trusted_folder
from deployworkbook.serving.embedded.manager import Manager
from deployworkbook.serving.embedded.servable import Servable
from deployworkbook.serving.repository.model_repository import ModelRepository
from deployworkbook.serving.signing.keys import fingerprint, read_public_key, signing_key
from deployworkbook.serving.signing.manifest import (
    SIGNED,
    SignatureError,
    read_manifest,
    sign_folder,
    verified_copy,
    verify_folder,
)

TRIES = 200


def onnx_folder(folder, add):
    """A model that adds a number, as an ONNX file, with an asset beside it."""
    constant = helper.make_tensor("add", TensorProto.FLOAT, [1], [add])
    row = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "add"], ["y"])], "add", row[:1], row[1:], [constant]
    )
    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / "words.txt").write_text("zero one two")
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    save_model(model, folder / "model.onnx")
    return folder


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return signing_key(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def repository(tmp_path, key):
    """Two signed versions of a model."""
    found = ModelRepository(tmp_path / "adder")
    found.publish(onnx_folder(tmp_path / "one", 1.0), key=key)
    found.publish(onnx_folder(tmp_path / "two", 2.0), key=key)
    return found


@pytest.fixture
def public(key):
    return read_public_key(key.public_path)


def answer(manager, value):
    """Ask the newest version that is served; ``None`` if there is none."""
    available = manager.catalogue.models["adder"].available()
    if not available:
        return None
    servable = manager.catalogue.models["adder"].versions[max(available)].servable
    (result,) = servable.run("predict", ["x"], ["y"], [np.array([value], np.float32)])
    return float(result[0])


def serving(repository, public):
    """Serve a repository's newest version as the server does, without its ports."""

    def load(name, number, path):
        with trusted_folder(path, public) as folder:
            return Servable(name, number, open_engine(folder, Options()))

    manager = Manager(load, retries=0)
    try:
        manager.apply([ModelConfig("adder", repository.base_path)])
    except ServingError:
        assert not manager.catalogue.models["adder"].available()
    return manager


def test_a_signed_version_is_served_and_an_altered_one_is_not(repository, public):
    manager = serving(repository, public)
    assert answer(manager, 1.0) == 3.0
    manager.close()
    model = repository.version(2).path / "model.onnx"
    content = bytearray(model.read_bytes())
    place = content.index(np.float32(2.0).tobytes())
    content[place + 3] ^= 0x80  # it would answer -1
    model.write_bytes(content)
    manager = serving(repository, public)
    assert answer(manager, 1.0) is None
    (version,) = manager.catalogue.models["adder"].versions.values()
    assert version.error.code == Code.FAILED_PRECONDITION
    assert "'model.onnx' altered" in version.error.text
    unchecked = serving(repository, None)
    assert answer(unchecked, 1.0) == -1.0
    unchecked.close()


def test_one_altered_bit_in_any_file_is_never_served(repository, public, monkeypatch):
    folder = repository.version(2).path
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert {path.name for path in files} == {*("model.onnx", "words.txt", "published.json", SIGNED)}
    opened = []
    monkeypatch.setattr(loading, "open_engine", lambda *_: opened.append(1))
    chance = np.random.default_rng(20)
    for number in range(TRIES):
        path = files[number % len(files)]
        content = path.read_bytes()
        place, bit = int(chance.integers(len(content))), int(chance.integers(8))
        altered = bytearray(content)
        altered[place] ^= 1 << bit
        path.write_bytes(altered)
        with pytest.raises(ServingError), trusted_folder(folder, public) as checked:
            loading.open_engine(checked, Options())
        path.write_bytes(content)
    assert not opened
    with trusted_folder(folder, public) as checked:
        loading.open_engine(checked, Options())
    assert opened


def test_what_is_loaded_are_the_bytes_that_were_checked(repository, public):
    folder = repository.version(2).path
    expected = (folder / "model.onnx").read_bytes()
    with verified_copy(folder, public) as copy:
        (folder / "model.onnx").write_bytes(b"exchanged after the check")
        assert (copy / "model.onnx").read_bytes() == expected
        assert (copy / "assets" / "words.txt").exists()
        if sys.platform != "win32":
            assert not copy.parent.parent.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    assert not copy.exists()


def test_unsigned_and_otherwise_signed_versions_are_refused(repository, public, tmp_path):
    stranger = signing_key(tmp_path / "stranger")
    version = repository.publish(onnx_folder(tmp_path / "three", 3.0))
    with pytest.raises(SignatureError, match=r"no signature.*deployworkbook versions sign"):
        verify_folder(version.path, public)
    sign_folder(version.path, stranger, model="adder", number=3)
    with pytest.raises(SignatureError, match=f"one by the key {fingerprint(public)}"):
        verify_folder(version.path, public)


def test_added_missing_and_linked_files_are_refused(repository, public):
    folder = repository.version(2).path
    (folder / "extra.py").write_text("")
    with pytest.raises(SignatureError, match=r"'extra\.py' added"):
        verify_folder(folder, public)
    (folder / "extra.py").unlink()
    words = folder / "assets" / "words.txt"
    words.rename(folder.parent / "words.txt")
    with pytest.raises(SignatureError, match=r"'assets/words\.txt' missing"):
        verify_folder(folder, public)
    if sys.platform != "win32":
        words.symlink_to(folder.parent / "words.txt")
        with pytest.raises(SignatureError, match="a link or a device"):
            verify_folder(folder, public)


def test_an_old_version_cannot_pose_as_a_new_one(repository, public):
    base = repository.base_path
    os.rename(base / "1", base / "3")
    with pytest.raises(SignatureError, match="the signature of version 1 of 'adder'"):
        verify_folder(base / "3", public)
    os.rename(base, base.with_name("other"))
    with pytest.raises(SignatureError, match="that of version 2 of 'other'"):
        verify_folder(base.with_name("other") / "2", public)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"\xff", b'{"manifest": 1}', b"[" * 100_000, b" " * (2**22 + 1)],
)
def test_a_damaged_manifest_is_refused_in_words(repository, public, content):
    folder = repository.version(2).path
    (folder / SIGNED).write_bytes(content)
    with pytest.raises(SignatureError, match="damaged"):
        verify_folder(folder, public)


def test_a_manifest_names_what_was_signed(repository, public):
    manifest = read_manifest(repository.version(2).path, public)
    assert (manifest.model, manifest.version) == ("adder", 2)
    assert set(manifest.files) == {"model.onnx", "assets/words.txt", "published.json"}
    text = json.loads((repository.version(2).path / SIGNED).read_text())
    assert text["key"] == fingerprint(public)
    assert repository.version(2).damage() == []


@pytest.mark.skipif(sys.platform == "win32", reason="it has no modes")
def test_the_private_key_is_its_owners_alone(tmp_path):
    key = signing_key(tmp_path / "keys")
    path = tmp_path / "keys" / "signing-key.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "PRIVATE" not in key.public_path.read_text()
    assert "PRIVATE" not in repr(key)
    path.chmod(0o644)
    with pytest.raises(PermissionError, match=r"600 was expected.*chmod 600"):
        signing_key(tmp_path / "keys")


def test_other_files_are_no_keys(tmp_path):
    path = tmp_path / "key.pem"
    path.write_text("no key")
    with pytest.raises(ValueError, match="an Ed25519 key in a PEM file"):
        read_trusted(path)
    with pytest.raises(FileNotFoundError):
        read_trusted(tmp_path / "none.pem")
    assert read_trusted(None) is None


def test_every_letter_of_the_signed_file_counts(repository, public):
    """Also those that change no meaning: a capital in the signature, the key's own name."""
    path = repository.version(2).path / SIGNED
    content = path.read_bytes()
    for place in range(len(content)):
        for bit in (0, 5):  # the fifth turns small letters into capitals
            altered = bytearray(content)
            altered[place] ^= 1 << bit
            path.write_bytes(altered)
            with pytest.raises(SignatureError):
                read_manifest(path.parent, public)
    path.write_bytes(content)
    assert read_manifest(path.parent, public).version == 2
