"""The commands ``patch make`` and ``patch apply``."""

import json

import pytest

from deployworkbook.cli import main


def call(*arguments):
    """Run the command in this process; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["patch", *map(str, arguments)])
    return ended.value.code or 0


@pytest.fixture
def files(tmp_path):
    old, new = tmp_path / "old.tflite", tmp_path / "new.tflite"
    old.write_bytes(bytes(range(256)) * 20)
    new.write_bytes(bytes(range(256)) * 19 + bytes(range(255, -1, -1)))
    return old, new, tmp_path / "update.patch"


def test_a_patch_is_made_and_applied(files, capsys):
    old, new, patch = files
    assert call("make", old, new, "-o", patch, "--old-version", 1, "--new-version", 2) == 0
    said = capsys.readouterr().out
    assert f"{patch.stat().st_size:,} bytes" in said
    assert "whole, compressed" in said
    assert call("apply", old, patch) == 0
    assert "is now version 2, 5,120 bytes; both hashes match" in capsys.readouterr().out
    assert old.read_bytes() == new.read_bytes()
    assert call("apply", old, patch) == 0
    assert "is up to date already" in capsys.readouterr().out


def test_json_has_the_figures(files, capsys):
    old, new, patch = files
    assert call("make", old, new, "-o", patch, "--json") == 0
    made = json.loads(capsys.readouterr().out)
    assert made["patch_bytes"] == patch.stat().st_size
    assert made["coding"] in made["by_coding"]
    out = patch.with_name("made")
    assert call("apply", old, patch, "-o", out, "--json") == 0
    applied = json.loads(capsys.readouterr().out)
    assert applied["is_new"]
    assert applied["new_sha256"] == made["new_sha256"]
    assert out.read_bytes() == new.read_bytes()


def test_a_wrong_file_exits_with_1_and_says_what_to_do(files, capsys):
    old, new, patch = files
    assert call("make", old, new, "-o", patch) == 0
    old.write_bytes(b"something else")
    assert call("apply", old, patch) == 1
    assert "or the whole new file" in " ".join(capsys.readouterr().err.split())
