"""Complete results are copied from one folder of models to another, whole or not at all."""

import os
import stat

import pytest

from deployworkbook.workspace import collecting
from deployworkbook.workspace.collecting import Result, closed_to_others, collect, results_in
from deployworkbook.workspace.manifest import MANIFEST
from tests.workspace.test_shared import open_folder, put


@pytest.fixture
def models(tmp_path):
    """A folder with two results, and with what is none."""
    folder = tmp_path / "models"
    folder.mkdir()
    put(folder, "a")
    put(folder, "b", result=b"b", more=b"more")
    put(folder, "damaged").joinpath("result.txt").write_text("changed")
    put(folder, ".c.0123.tmp")
    (folder / "artifacts" / "digits" / "float32.litert").mkdir(parents=True)
    (folder / "artifacts" / "digits" / "float32.litert" / "model.tflite").write_text("x")
    (folder / ".a.lock").touch()
    return folder


def sizes(folder):
    return sum(path.stat().st_size for path in folder.iterdir())


def test_only_complete_results_are_listed_and_copied(models, tmp_path):
    expected = [Result(name, sizes(models / name)) for name in ("a", "b")]
    assert results_in(models) == expected
    assert results_in(tmp_path / "missing") == []
    target = tmp_path / "target"
    assert collect(models, target) == expected
    assert sorted(path.name for path in target.iterdir()) == ["a", "b"]
    assert results_in(target) == expected
    assert collect(models, target) == []


def test_copies_can_be_read_by_everybody_whatever_the_umask(models, tmp_path):
    before = os.umask(0o077)
    try:
        collect(models, tmp_path / "private")
        collect(models, tmp_path / "open", open_to_all=True)
    finally:
        os.umask(before)

    def modes(folder):
        return {stat.S_IMODE(path.stat().st_mode) for path in (folder / "a").iterdir()}

    assert modes(tmp_path / "open") == {0o644}
    assert stat.S_IMODE((tmp_path / "open" / "a").stat().st_mode) == 0o755
    assert modes(tmp_path / "private") == {0o600}


def test_a_damaged_copy_is_set_aside_and_a_whole_one_left_alone(models, tmp_path):
    target = tmp_path / "target"
    collect(models, target)
    (target / "a" / MANIFEST).write_text("{}")
    whole = (target / "b").stat().st_ino
    assert [result.name for result in collect(models, target)] == ["a"]
    assert (target / "b").stat().st_ino == whole
    (aside,) = target.glob("a-damaged-*")
    assert (aside / MANIFEST).read_text() == "{}"


def test_what_was_dealt_with_is_not_hashed_again(models, tmp_path, monkeypatch):
    seen = set()
    collect(models, tmp_path / "target", seen=seen)
    hashed = []
    monkeypatch.setattr(collecting, "foreign_damage_of", lambda place: hashed.append(place) or "")
    assert collect(models, tmp_path / "target", seen=seen | {"damaged"}) == []
    assert hashed == []


def test_a_copy_that_is_interrupted_leaves_nothing(models, tmp_path, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(collecting.shutil, "copytree", interrupt)
    with pytest.raises(KeyboardInterrupt):
        collect(models, tmp_path / "target")
    assert list((tmp_path / "target").iterdir()) == []


def test_the_folder_that_keeps_others_out_is_named():
    with open_folder() as root:
        inner = root / "closed" / "models"
        inner.mkdir(parents=True)
        inner.parent.chmod(0o755)
        inner.chmod(0o755)
        assert closed_to_others(inner) is None
        inner.parent.chmod(0o700)
        assert closed_to_others(inner) == inner.parent
