"""The lessons are copied without a server."""

import json

from deployworkbook.jupyter.lessons import catalogue
from tests.commands.test_cli import call


def test_install_copies_all_lessons_and_the_terms_and_repeats_without_effect(tmp_path, capsys):
    folder = tmp_path / "stick"
    assert call("install", folder) == 0
    assert capsys.readouterr().out == f"Your lessons are in {folder}.\n"
    names = {path.name for path in folder.glob("*.*") if path.is_file()}
    assert names == {*(lesson.path.name for lesson in catalogue()), "lessons.md", "terms.md"}
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert call("install", folder) == 0
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert after == before


def test_install_says_in_words_and_json_what_has_edits(tmp_path, capsys):
    assert call("install", tmp_path, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["copied"] == [lesson.name for lesson in catalogue()]
    (tmp_path / "04_training.ipynb").write_text("mine")
    assert call("install", tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "folder": str(tmp_path),
        "copied": [],
        "updated": [],
        "kept": ["04_training"],
        "outdated": {},
    }
    assert call("install", tmp_path) == 0
    assert "04_training has your edits and was left alone" in capsys.readouterr().out
    assert (tmp_path / "04_training.ipynb").read_text() == "mine"
