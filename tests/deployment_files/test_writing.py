"""Files on the disk: nothing of a learner's is lost, and nothing stale stays."""

import json

import pytest

from deployworkbook.cli import main
from deployworkbook.deployment_files.bundle import Bundle, find_models
from deployworkbook.deployment_files.writing import write
from deployworkbook.serving.repository.model_repository import ModelRepository
from deployworkbook.workspace.folder import Workspace
from deployworkbook.workspace.recorded import RECORD


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "workspace").create()


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_twice_is_as_once(bundle, workspace, tmp_path):
    first = write(tmp_path / "out", bundle, workspace=workspace)
    before = contents(tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.yaml")}
    assert write(tmp_path / "out", bundle, workspace=workspace) == first
    assert contents(tmp_path / "out") == before
    assert times == {path: path.stat().st_mtime_ns for path in times}
    assert first.backups == {}
    assert "models/digits/1/saved_model.pb" in before
    assert not any(name.endswith(".tmp") for name in before)
    # Of the other model only what is served.
    assert not any(name.startswith("models/other/1/") for name in before)


def test_what_was_edited_is_kept(bundle, workspace, tmp_path):
    out = tmp_path / "out"
    write(out, bundle, workspace=workspace)
    (out / "compose.yaml").write_text("mine")
    (out / "models/digits/2/more").write_text("mine too")
    backups = write(out, bundle, workspace=workspace).backups
    assert backups.keys() == {"compose.yaml", "models/digits/2"}
    assert backups["compose.yaml"].read_text() == "mine"
    assert (backups["models/digits/2"] / "more").read_text() == "mine too"
    assert (out / "compose.yaml").read_text().startswith("name: deployworkbook")
    assert not (out / "models/digits/2/more").exists()


def test_what_was_there_before_is_kept(bundle, workspace, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "README.md").write_text("another project's")
    (out / RECORD).write_text("no JSON")
    backups = write(out, bundle, workspace=workspace).backups
    assert {name: path.read_text() for name, path in backups.items()} == {
        "README.md": "another project's"
    }


def test_models_that_are_gone_are_removed(bundle, workspace, tmp_path):
    out = tmp_path / "out"
    write(out, bundle, workspace=workspace)
    fewer = Bundle(bundle.models[:1], bundle.repository)
    assert write(out, fewer, workspace=workspace).backups == {}
    assert sorted(path.name for path in (out / "models").glob("*/*")) == ["1", "2"]
    assert "other" not in (out / "config/models.config").read_text()


def test_a_kill_between_files_loses_nothing(bundle, workspace, tmp_path, monkeypatch):
    """The record of what was written comes last: the next run finds files that it does not know."""
    out = tmp_path / "out"
    write(out, bundle, workspace=workspace)
    (out / RECORD).unlink()
    assert write(out, bundle, workspace=workspace).backups == {}


def test_the_tag_follows_from_the_models(bundle, published, saved_model, tmp_path):
    repository = ModelRepository(tmp_path / "digits")
    repository.publish(saved_model)
    one = Bundle(find_models(tmp_path), "m")
    repository.publish(saved_model)
    assert Bundle(find_models(tmp_path), "m").image != one.image
    assert Bundle(find_models(published), bundle.repository).image == bundle.image


def test_which_models_are_found(published, tmp_path):
    assert [model.name for model in find_models(published)] == ["digits", "other"]
    assert [model.name for model in find_models(published, ["other"])] == ["other"]
    (digits,) = find_models(published / "digits")
    assert [version.number for version in digits.versions] == [1, 2]
    assert digits.labels == {"stable": 1}
    with pytest.raises(ValueError, match="some of digits, other"):
        find_models(published, ["digit"])
    with pytest.raises(FileNotFoundError, match="holds no published model"):
        find_models(tmp_path)
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        find_models(tmp_path / "missing")


def test_names_and_images_that_cannot_be(saved_model, tmp_path, bundle):
    ModelRepository(tmp_path / "a b").publish(saved_model)
    with pytest.raises(ValueError, match="as in a URL"):
        find_models(tmp_path)
    for image in ("Models", "models:latest", "", "a b"):
        with pytest.raises(ValueError, match="without a tag"):
            Bundle(bundle.models, image)


def test_a_damaged_version_is_not_deployed(saved_model, tmp_path):
    version = ModelRepository(tmp_path / "m").publish(saved_model)
    (version.path / "saved_model.pb").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"saved_model\.pb"):
        find_models(tmp_path)


def test_the_command(published, workspace, tmp_path, capsys):
    out = tmp_path / "out"
    given = ["deploy-files", str(out), "--repository", str(published), "--model", "digits"]
    main_exits(*given, "--dir", str(workspace.root), "--cpus", "3")
    assert "digits: version 1, 2" in capsys.readouterr().out
    (out / "Dockerfile").write_text("mine")
    main_exits(*given, "--dir", str(workspace.root))
    said = " ".join(capsys.readouterr().out.split())
    assert f"Your Dockerfile is saved as {workspace.backups}" in said
    assert json.loads((out / RECORD).read_text())["models/digits/1"]
    main_exits("deploy-files", str(out), "--dir", str(workspace.root), code=1)
    assert "another folder of them with --repository" in " ".join(capsys.readouterr().err.split())


def main_exits(*arguments, code=0):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == code
