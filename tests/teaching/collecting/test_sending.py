"""Submissions: what leaves a learner's folder, and where it goes."""

import getpass
import json
import os
import socket
from pathlib import Path

import numpy as np
import pytest

from deployworkbook import __version__
from deployworkbook.cli import main
from deployworkbook.exercises import check, store
from deployworkbook.exercises.kept import KEPT
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.teaching.collecting.pseudonyms import (
    ADJECTIVES,
    ANIMALS,
    draw_pseudonym,
    is_pseudonym,
)
from deployworkbook.teaching.collecting.sending import (
    outline,
    prepare,
    target_of,
    without_paths,
    write,
)
from deployworkbook.teaching.collecting.submission import MOST_BYTES, parse
from deployworkbook.workspace.folder import Workspace, current_workspace
from deployworkbook.workspace.plain_numbers import of_numbers


def mean(targets, predictions):
    """Learner's own words."""
    log = "/home/somebody/thesis/notes.txt"
    return np.mean((targets - predictions) ** 2) if log else 0  # somebody


def root(targets, predictions):
    return np.sqrt(np.mean((targets - predictions) ** 2))


@pytest.fixture
def answered(home, capsys):
    for answer in (root, mean):
        check("losses.mean", answer)
    check("losses.logits", 1.25)
    check("quantization.sum", 7)
    capsys.readouterr()
    return current_workspace()


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["submit", *map(str, arguments)])
    return ended.value.code


def test_the_file_has_the_declared_fields_and_nothing_else(answered):
    submission = prepare(answered)
    data = json.loads(submission.text())
    assert set(data) == {
        *("format", "schema", "version", "pseudonym", "learner", "number", "exercises")
    }
    assert (data["version"], data["number"]) == (__version__, 1)
    assert set(data["exercises"]) == {"losses.mean", "losses.logits", "quantization.sum"}
    assert all(set(each) == {"tries", "lost", "answers"} for each in data["exercises"].values())
    fields = [set(a) for each in data["exercises"].values() for a in each["answers"]]
    assert fields == [{"code", "name"}] * 2 + [{"shape", "values"}] * 2
    assert parse(submission.text().encode()) == submission


def test_neither_paths_nor_names_of_user_and_machine_leave(answered):
    text = prepare(answered).text()
    hidden = ["somebody", "thesis", "own words", str(Path.home()), str(answered.root), os.getcwd()]
    user, host = getpass.getuser(), socket.gethostname()
    for secret in [*hidden, *(each for each in (user, host) if len(each) > 4)]:
        assert secret not in text, secret


@pytest.mark.parametrize(
    "path",
    [
        *("/home/li/data.csv", "~/data.csv", "C:\\Users\\li\\data.csv", "\\\\server\\li\\data"),
        *("see /Users/li/data.csv for it", "file = '/srv/li/x'", str(Path.home() / "x")),
    ],
)
def test_texts_with_a_path_are_removed_from_code(path):
    assert "li" not in without_paths(f"a = f'{{1}}' + {path!r}").replace("literal", "")
    assert "(path removed)" in without_paths(f"a = {path!r}")


@pytest.mark.parametrize("text", ["a/b", "{:.3f}", "1 / 2", "/", "km/h", "x ~ y", "it's 50 / 60"])
def test_texts_without_a_path_stay(text):
    assert without_paths(f"a = {text!r}") == f"a = {text!r}"


def test_what_is_shown_is_what_is_written(answered, tmp_path, capsys):
    assert not run("--to", tmp_path, "--yes")
    shown = capsys.readouterr().out
    (path,) = tmp_path.glob("*.submission.json")
    data = json.loads(path.read_text())
    assert shown.startswith("\n".join(outline(data)) + "\n\nThis is all")
    for each in data["exercises"].values():
        for answer in each["answers"]:
            for line in answer.get("code", "").splitlines():
                assert line in shown
    assert "3 exercises with 4 answers" in shown
    assert "look for your own name" in shown
    assert path.name == f"{data['pseudonym']}.submission.json"


def test_nothing_is_written_unless_the_learner_agrees(answered, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("typer.confirm", lambda _: False)
    before = sorted(answered.records.iterdir())
    assert run("--to", tmp_path) == 1
    assert "Nothing was written." in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
    assert sorted(answered.records.iterdir()) == before


def test_a_later_submission_replaces_ones_own_and_keeps_a_copy(answered, tmp_path):
    first = prepare(answered, name="brave-otter")
    target = target_of(first, tmp_path, answered)
    assert write(first, target, answered) is None
    second = prepare(answered)
    assert (second.pseudonym, second.learner, second.number) == ("brave-otter", first.learner, 2)
    backup = write(second, target_of(second, tmp_path, answered), answered)
    assert parse(backup.read_bytes()) == first
    assert parse(target.read_bytes()) == second
    assert [path.name for path in tmp_path.iterdir()] == ["brave-otter.submission.json"]


@pytest.mark.parametrize("content", ["", "{}", "[" * 100_000, '{"learner": "0123456789abcdef"}'])
def test_another_learners_file_stays(answered, tmp_path, content):
    other = tmp_path / "brave-otter.submission.json"
    other.write_text(content)
    with pytest.raises(FileExistsError, match="--name"):
        target_of(prepare(answered, name="brave-otter"), tmp_path, answered)
    with pytest.raises(FileExistsError):
        write(prepare(answered), other, answered)
    assert other.read_text() == content


def test_a_link_is_not_followed(answered, tmp_path):
    (tmp_path / "brave-otter.submission.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        target_of(prepare(answered, name="brave-otter"), tmp_path, answered)


def test_the_target_may_be_a_file_a_folder_or_ones_own(answered, tmp_path):
    submission = prepare(answered, name="brave-otter")
    own = target_of(submission, None, answered)
    assert own == answered.root / "brave-otter.submission.json"
    file = tmp_path / "mine.submission.json"
    assert target_of(submission, file, answered) == file
    for missing in (tmp_path / "typo", tmp_path / "typo" / "a.submission.json", tmp_path / "a.txt"):
        with pytest.raises(NotADirectoryError, match="existing folder"):
            target_of(submission, missing, answered)


def test_lessons_can_be_chosen(answered, tmp_path, capsys):
    assert not run("--lessons", "2", "--to", tmp_path, "--yes")
    (path,) = tmp_path.iterdir()
    assert set(json.loads(path.read_text())["exercises"]) == {"losses.mean", "losses.logits"}


@pytest.mark.parametrize("name", ["", "../x", "Brave", "a b", "=1+1", "-a", "a" * 50, "ä"])
def test_other_forms_of_pseudonyms_are_refused(answered, name):
    assert not is_pseudonym(name)
    if name:
        with pytest.raises(ValueError, match="brave-otter"):
            prepare(answered, name=name)


def test_a_learner_without_answers_reads_what_to_do(tmp_path, capsys):
    Workspace(tmp_path).create()
    assert run("--dir", tmp_path, "--yes") == 1
    assert "run the cells" in capsys.readouterr().err


def test_answers_without_source_count_as_tries_only(home, capsys):
    check("losses.mean", eval("lambda a, b: 1.0"))  # noqa: S307
    handed = prepare(current_workspace()).exercises["losses.mean"]
    assert (handed.tries, handed.lost, handed.answers) == (1, 1, [])


def test_answers_that_somebody_has_edited_stop_nothing_or_say_why(answered):
    path = answered.records / "answers.json"
    records = json.loads(path.read_text())
    first, second = records["losses.mean"]["kept"]
    first["code"] = "def f(:"
    del second["name"]
    path.write_text(json.dumps(records))
    handed = prepare(answered).exercises["losses.mean"]
    assert (handed.lost, handed.answers) == (1, [])
    records["quantization.sum"]["kept"][0]["values"] = ["seven"]
    path.write_text(json.dumps(records))
    with pytest.raises(ValueError, match="neither a number nor an array"):
        prepare(answered)


def test_the_longest_submission_is_not_refused(home):
    """All exercises, each with as much as is kept."""

    def fill(records):
        for name, exercise in EXERCISES.items():
            if exercise.cases:
                answer = {"code": f"f = lambda *_: {'x' * 16_000!r}", "name": "f"}
            else:
                answer = of_numbers(np.full(800, 1 / 3))
            kept = [{"key": key, "right": False, **answer} for key in "12"]
            records[name] = {"kept": kept}

    store.update("answers", KEPT, fill)
    text = prepare(current_workspace()).text()
    assert MOST_BYTES / 2 < len(text) < MOST_BYTES


def test_pseudonyms_are_drawn_from_many():
    assert len({*ADJECTIVES}) * len({*ANIMALS}) > 8000
    assert len(ADJECTIVES + ANIMALS) == len({*ADJECTIVES, *ANIMALS})
    assert all(is_pseudonym(draw_pseudonym()) for _ in range(100))


def test_a_folder_that_an_older_version_wrote_has_nothing_to_submit(tmp_path):
    """Progress without answers is no evidence, so it isn't handed in."""
    workspace = Workspace(tmp_path).create()
    (workspace.records / "progress.json").write_text(
        '{"losses.mean": {"tries": 3, "solved_at": "2026-01-01", "answers": [], "hinted": []}}'
    )
    with pytest.raises(ValueError, match="No answers"):
        prepare(workspace)
