"""Preloading by the command: which lessons run, with which data, and what is reported."""

import json
from types import SimpleNamespace

import pytest

from deployworkbook.commands.preload import _runs
from deployworkbook.execution.jobs import Outcome
from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.teaching import preloading
from tests.commands.test_cli import call
from tests.workspace.test_shared import put


@pytest.fixture
def pretended(monkeypatch):
    """Lessons that train nothing; how each ends, by its number."""
    done = SimpleNamespace(ends={}, ran=[])

    def run_jobs(jobs, **_):
        (job,) = jobs
        done.ran.append((job.source.stem[:2], dict(job.parameters)))
        status = done.ends.get(job.source.stem[:2], "passed")
        return [Outcome(job, status, 1.5, error="" if status == "passed" else "no luck")]

    monkeypatch.setattr(preloading, "run_jobs", run_jobs)
    return done


def test_all_lessons_run_in_order_as_a_learner_would_run_them():
    assert _runs([], [], fast=False) == [(lesson.path, {}) for lesson in catalogue()]


def test_lessons_with_data_run_once_per_data_set(pretended, tmp_path, capsys):
    options = ["--dataset", "digits", "--dataset", "digits", "--into", tmp_path / "models"]
    assert call("preload", "05", "02", *options) == 0
    assert pretended.ran == [("02", {}), ("05", {"dataset": "digits"})]


def test_small_parameters_are_those_of_the_lessons(pretended, tmp_path, capsys):
    assert call("preload", "11", "--fast", "--into", tmp_path / "models") == 0
    ((_, parameters),) = pretended.ran
    assert parameters["streams"] == 200
    assert parameters["dataset"] == "digits"


def test_the_report_ends_with_how_learners_find_the_models(pretended, tmp_path, capsys):
    target = tmp_path / "the models"
    assert call("preload", "02", "--into", target) == 0
    said = capsys.readouterr().out
    assert "02_loss_functions: passed after 2 s, nothing new\n" in said
    assert f"export DEPLOYWORKBOOK_SHARED_MODELS='{target}'\n" in said
    assert target.stat().st_mode & 0o777 == 0o755


def test_the_own_models_are_filled_without_options(pretended, home, capsys):
    assert call("preload", "02") == 0
    said = capsys.readouterr().out
    assert str(home / "deployworkbook" / "models") in said
    assert "export" not in said


def test_a_folder_that_others_cannot_enter_is_named(pretended, tmp_path, capsys):
    (tmp_path / "closed").mkdir(mode=0o700)
    assert call("preload", "02", "--into", tmp_path / "closed" / "models") == 0
    assert "Other users can't enter" in " ".join(capsys.readouterr().out.split())


def test_a_failure_is_reported_and_exits_with_1(pretended, tmp_path, capsys):
    pretended.ends = {"03": "failed"}
    target = tmp_path / "models"
    target.mkdir()
    put(target, "a")
    assert call("preload", "02", "03", "04", "--into", target, "--json") == 1
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert [each["status"] for each in report["lessons"]] == ["passed", "failed", "passed"]
    assert report["lessons"][1]["error"] == "no luck"
    assert report["results"] == 1
    assert report["bytes"] == sum(path.stat().st_size for path in (target / "a").iterdir())
    assert report["environment"] == {"DEPLOYWORKBOOK_SHARED_MODELS": str(target)}
    assert "2 of 3 passed, 1 did not." in said.err


def test_ctrl_c_ends_it_with_130(pretended, tmp_path, capsys):
    pretended.ends = {"02": "stopped"}
    assert call("preload", "02", "03", "--into", tmp_path / "models") == 130
    assert [number for number, _ in pretended.ran] == ["02"]


def test_an_unknown_lesson_or_data_set_is_refused_before_anything_runs(pretended, tmp_path, capsys):
    assert call("preload", "99", "--into", tmp_path / "models") == 1
    assert "one of 00_start_here" in " ".join(capsys.readouterr().err.split())
    assert call("preload", "04", "--dataset", "cifar") == 2
    assert pretended.ran == []
    assert not (tmp_path / "models").exists()
