"""Running lessons fills a folder of models with what they train."""

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock
from nbformat.v4 import new_code_cell, new_notebook

from deployworkbook.execution.jobs import JobEvent, Outcome
from deployworkbook.teaching import preloading
from deployworkbook.teaching.preloading import jobs_for, preload
from deployworkbook.workspace.cache import build_once
from deployworkbook.workspace.collecting import results_in
from deployworkbook.workspace.folder import ENVIRONMENT_VARIABLE, SHARED_VARIABLE, Workspace

TRAIN = """
from deployworkbook.workspace import build_once, current_workspace

def build(folder):
    (folder / "result.txt").write_text("made")

place = current_workspace().models / "tiny-0123"
text, is_new = build_once(place, build=build, load=lambda path: (path / "result.txt").read_text())
print(is_new)
"""


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


class Lessons:
    """Lessons that train by a call in this process; they name what they build."""

    def __init__(self, monkeypatch):
        self.patch, self.built, self.ends = monkeypatch, [], {}
        monkeypatch.setattr(preloading, "run_jobs", self.run)

    def run(self, jobs, *, workers, environment, on_event):
        (job,) = jobs
        assert workers == 1
        self.patch.setenv(SHARED_VARIABLE, environment[SHARED_VARIABLE])
        models = Workspace(Path(environment[ENVIRONMENT_VARIABLE])).models
        assert not models.exists()  # each lesson begins in a fresh workspace
        for cell, name in enumerate(job.source.stem.split("+"), 1):
            on_event(JobEvent(job, cell, 9))
            self.train(models, name)
        return [Outcome(job, self.ends.get(job.source.stem, "passed"), 1.0)]

    def train(self, models, name):
        def build(folder):
            self.built.append(name)
            (folder / "result.txt").write_text(name)

        build_once(models / name, build=build, load=lambda folder: None, notice=lambda text: None)


@pytest.fixture
def lessons(monkeypatch):
    return Lessons(monkeypatch)


def jobs(*names):
    return jobs_for([(Path(f"{name}.ipynb"), {}) for name in names])


def test_a_lesson_finds_what_an_earlier_one_trained(lessons, target):
    first, second, third = preload(jobs("a", "a+b", "b+a"), target)
    assert lessons.built == ["a", "b"]
    assert [result.name for result in first.made] == ["a"]
    assert [result.name for result in second.made] == ["b"]
    assert third.made == ()
    assert [result.name for result in results_in(target)] == ["a", "b"]


def test_after_an_interruption_only_the_rest_is_trained(lessons, target):
    lessons.ends["a+b"] = "stopped"
    done = list(preload(jobs("a+b", "c"), target))
    assert [each.outcome.status for each in done] == ["stopped"]
    lessons.ends.clear()
    lessons.built.clear()
    assert [len(each.made) for each in preload(jobs("a+b", "c"), target)] == [0, 1]
    assert lessons.built == ["c"]


def test_a_result_is_kept_as_soon_as_the_next_cell_begins(lessons, target, monkeypatch):
    def die(event):
        if event.cell == 2:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        list(preload(jobs("a+b"), target, on_event=die))
    assert [result.name for result in results_in(target)] == ["a"]


def test_a_failed_lesson_stops_no_other(lessons, target):
    lessons.ends["a"] = "failed"
    done = list(preload(jobs("a", "b"), target))
    assert [each.outcome.status for each in done] == ["failed", "passed"]
    assert len(results_in(target)) == 2


def test_a_damaged_result_is_trained_again(lessons, target):
    list(preload(jobs("a"), target))
    (target / "a" / "result.txt").write_text("changed")
    (done,) = preload(jobs("a"), target)
    assert [result.name for result in done.made] == ["a"]
    assert (target / "a" / "result.txt").read_text() == "a"
    assert len(list(target.glob("a-damaged-*"))) == 1


def test_of_two_calls_for_one_folder_the_second_is_refused(lessons, target):
    with FileLock(target / ".preload.lock"), pytest.raises(OSError, match="Another process"):
        list(preload(jobs("a"), target))


def test_events_name_the_jobs_of_the_caller(lessons, target):
    given, heard = jobs("a", "b"), []
    list(preload(given, target, on_event=lambda event: heard.append(event.job)))
    assert heard == given


def test_a_notebook_is_run_and_leaves_only_its_result(target, tmp_path, monkeypatch):
    notebook = new_notebook(cells=[new_code_cell(TRAIN), new_code_cell("1 / 0")])
    nbformat.write(notebook, tmp_path / "tiny.ipynb")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(preloading.tempfile, "tempdir", None)
    before = set(tmp_path.iterdir())
    (done,) = preload(jobs_for([(tmp_path / "tiny.ipynb", {})]), target, open_to_all=True)
    assert done.outcome.status == "failed"
    assert done.outcome.failed_cell == 2
    assert [result.name for result in done.made] == ["tiny-0123"]
    assert json.loads((target / "tiny-0123" / "manifest.json").read_text()).keys() == {"result.txt"}
    assert set(tmp_path.iterdir()) == before
    assert not [each for each in (tmp_path / "scratch").iterdir() if "preload" in each.name]
    shutil.rmtree(tmp_path / "scratch", ignore_errors=True)
