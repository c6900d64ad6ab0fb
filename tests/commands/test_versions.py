"""The commands ``versions``: promote, roll back, sign, verify, cards."""

import json

import pytest

from deployworkbook.cli import main
from deployworkbook.serving.repository.model_repository import ModelRepository
from deployworkbook.workspace.folder import current_workspace


def call(*arguments):
    """Run the command in this process; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["versions", *map(str, arguments)])
    return ended.value.code or 0


@pytest.fixture
def repository(home, tmp_path):
    """Two versions of a model; the second came from the first."""
    found = ModelRepository(current_workspace().published / "digits")
    source = tmp_path / "model"
    source.mkdir()
    (source / "saved_model.pb").write_bytes(b"graph")
    found.publish(source, variant="float32", label="stable")
    found.publish(source, variant="float32", parent=1, made_by="a patch")
    return found


def test_versions_are_listed_with_their_parents(repository, capsys):
    assert call("list", "digits") == 0
    said = capsys.readouterr().out
    assert "1, a patch" in said
    assert call("list", repository.base_path, "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [each["number"] for each in listed["versions"]] == [1, 2]
    assert listed["versions"][1]["parent"] == 1


def test_a_label_is_moved_and_moved_back(repository, capsys):
    assert call("promote", "digits", 2) == 0
    assert "is now version 2; it was version 1" in capsys.readouterr().out
    assert call("roll-back", "digits", "--json") == 0
    moved = json.loads(capsys.readouterr().out)
    assert (moved["before"], moved["after"]) == (2, 1)
    assert repository.labels == {"stable": 1}
    assert call("roll-back", "digits", "--label", "canary") == 1
    assert "No version is labelled 'canary'" in capsys.readouterr().err
    assert call("promote", "digits", 7) == 1
    assert "has no version 7" in " ".join(capsys.readouterr().err.split())


def test_signing_and_verifying(repository, capsys):
    assert call("sign", "digits") == 0
    assert "signing-key.pub.pem" in capsys.readouterr().out.replace("\n", "")
    assert call("verify", "digits") == 0
    assert "version 2: signed by this key, unaltered" in capsys.readouterr().out
    (repository.version(2).path / "saved_model.pb").write_bytes(b"graqh")
    assert call("verify", "digits", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert [each["is_trusted"] for each in found] == [False, True]
    assert call("sign", "digits", 2) == 1
    assert "was changed since its publication" in " ".join(capsys.readouterr().err.split())


def test_a_card_is_written_and_a_signed_version_signed_again(repository, capsys):
    assert call("sign", "digits", 1) == 0
    capsys.readouterr()
    assert call("card", "digits", 1, "--limit", "Not for cheques.") == 0
    assert "- Not for cheques." in capsys.readouterr().out
    assert call("verify", "digits", 1) == 0
    assert (repository.version(1).path / "model-card.md").exists()


def test_an_unknown_model_is_named(repository, capsys):
    assert call("list", "digit") == 1
    assert "digits" in capsys.readouterr().err
    assert not (current_workspace().published / "digit").exists()
    assert call("to-mlflow", "digits", 1, "out") == 1
    assert "mlflow is not installed" in capsys.readouterr().err
