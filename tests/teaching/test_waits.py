"""Waits are measured section by section, kept in a file, and read from it."""

import json
from dataclasses import asdict

import pytest

from deployworkbook.cli import main
from deployworkbook.execution.jobs import Outcome
from deployworkbook.jupyter.lessons import catalogue, find_lesson
from deployworkbook.jupyter.sections import heading_of, sections_of
from deployworkbook.teaching import recording, timing
from deployworkbook.teaching.recording import record_waits
from deployworkbook.teaching.timing import ADDED, time_lessons, times_of
from deployworkbook.teaching.waits import Wait, read_waits, shipped_waits, write_waits
from deployworkbook.training import data
from tests.teaching.waits import alike


def test_a_file_of_waits_reads_back_as_it_was_written(tmp_path):
    waits = alike(1.5, 2.5, busy=True)
    write_waits(waits, tmp_path / "waits.json")
    assert read_waits(tmp_path / "waits.json") == waits


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "{}",
        '{"lessons": {}}',
        json.dumps({**asdict(alike()), "lessons": {"02": {"a": {"warm_s": 1}}}}),
        json.dumps({**asdict(alike()), "machine": 3}),
        '{"lessons": {"a": {"b": {"warm_s": -1}}}}',
    ],
)
def test_another_file_is_refused_with_a_remedy(content, tmp_path):
    path = tmp_path / "waits.json"
    path.write_text(content)
    with pytest.raises(ValueError, match="Measure again: deployworkbook teach waits"):
        read_waits(path)
    with pytest.raises(ValueError, match="can't be read"):
        read_waits(tmp_path / "missing.json")


def test_a_wait_is_never_negative():
    with pytest.raises(ValueError, match="warm_s"):
        Wait(-1, 1, 1, 1)
    with pytest.raises(ValueError, match="cold_pace_s"):
        Wait(1, 1, 1, 0)


@pytest.fixture
def fake_runs(monkeypatch):
    """Run lessons without a kernel: each cell takes a second, each measure of pace is alike."""
    begun = []

    def run_jobs(jobs, *, environment, **_):
        for job in jobs:
            begun.append(environment)
            notebook = json.loads(job.source.read_text())
            for cell in notebook["cells"]:
                if cell["cell_type"] == "code":
                    is_added = ADDED in cell["metadata"].get("tags", [])
                    text = "0.2\n" if is_added else ""
                    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
                    cell["metadata"]["papermill"] = {"duration": 1.0}
            job.output.write_text(json.dumps(notebook))
        return [timing_outcome(job) for job in jobs]

    monkeypatch.setattr(timing, "run_jobs", run_jobs)
    return begun


def timing_outcome(job, status="passed"):
    return Outcome(job, status, 1.0, failed_cell=None if status == "passed" else 3, error="Oops")


def test_each_section_takes_what_its_cells_take(fake_runs, tmp_path):
    lesson = find_lesson("02")
    (timed,) = time_lessons([lesson], tmp_path, tmp_path / "home")
    for section in sections_of(lesson):
        cells = sum(cell["cell_type"] == "code" for cell in section.cells)
        assert timed.sections[section.title].wait_s == cells
        assert timed.sections[section.title].pace_s == 0.2
    assert times_of(lesson, timed.executed) == timed


def test_the_pace_is_measured_at_the_end_of_each_section(fake_runs, tmp_path):
    lesson = find_lesson("03")
    time_lessons([lesson], tmp_path, tmp_path / "home")
    cells = json.loads((tmp_path / ".source" / lesson.path.name).read_text())["cells"]
    added = [place for place, cell in enumerate(cells) if ADDED in cell["metadata"].get("tags", [])]
    assert len(added) == len(sections_of(lesson))
    assert all(heading_of(cells[place + 1]) for place in added[:-1])
    assert added[-1] == len(cells) - 1


def test_a_lesson_that_fails_is_named_with_its_cell(monkeypatch, tmp_path):
    def run_jobs(jobs, **_):
        return [timing_outcome(job, "failed") for job in jobs]

    monkeypatch.setattr(timing, "run_jobs", run_jobs)
    with pytest.raises(ValueError, match=r"02_loss_functions: .* code cell 3: Oops"):
        time_lessons([find_lesson("02")], tmp_path, tmp_path / "home")


def test_ctrl_c_ends_it_like_any_command(monkeypatch, tmp_path):
    monkeypatch.setattr(
        timing, "run_jobs", lambda jobs, **_: [timing_outcome(job, "stopped") for job in jobs]
    )
    with pytest.raises(KeyboardInterrupt):
        time_lessons([find_lesson("02")], tmp_path, tmp_path / "home")


def test_the_second_run_reads_the_models_of_the_first(fake_runs, tmp_path):
    seen = []
    lessons = [find_lesson("02"), find_lesson("03")]
    waits = record_waits(alike(), lessons, on_lesson=seen.append, keep=tmp_path / "kept")
    assert len(seen) == 2
    assert seen[-1] == waits
    wait = waits.lessons["02_loss_functions"]["1. Mean squared error"]
    assert wait == Wait(warm_s=3, cold_s=3, warm_pace_s=0.2, cold_pace_s=0.2)
    first, second, *_ = fake_runs
    assert "DEPLOYWORKBOOK_SHARED_MODELS" not in first
    assert second["DEPLOYWORKBOOK_SHARED_MODELS"] == f"{first['DEPLOYWORKBOOK_HOME']}/models"
    assert first["DEPLOYWORKBOOK_HOME"] != second["DEPLOYWORKBOOK_HOME"]
    assert (tmp_path / "kept" / "03_gradient_descent.ipynb").exists()


def test_the_command_adds_to_a_file_of_this_machine_only(
    fake_runs, digits, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(data, "load_dataset", lambda: digits)
    path = tmp_path / "waits.json"
    for number in ("02", "03"):
        assert run("teach", "waits", number, "--out", str(path)) == 0
    assert set(read_waits(path).lessons) == {"02_loss_functions", "03_gradient_descent"}
    write_waits(alike(), path)
    assert run("teach", "waits", "02", "--out", str(path)) == 1
    assert "was measured elsewhere: on a machine, 2 cores" in " ".join(
        capsys.readouterr().err.split()
    )


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code or 0


def test_the_shipped_waits_name_their_machine():
    waits = shipped_waits()
    assert "cores" in waits.machine
    assert waits.tensorflow
    assert waits.quiet_pace_s > 0
    assert waits.data == "mnist"


@pytest.mark.parametrize("lesson", catalogue(), ids=lambda lesson: lesson.name)
def test_the_shipped_waits_know_every_section(lesson):
    for section in sections_of(lesson):
        for is_warm in (True, False):
            assert shipped_waits().seconds(section, is_warm=is_warm) is not None, section.title


def test_a_machine_that_does_other_things_counts_as_busy(monkeypatch):
    for percent, busy in ((5.0, False), (50.0, True)):
        monkeypatch.setattr(recording.psutil, "cpu_percent", lambda interval, p=percent: p)
        assert recording.empty_waits(data="digits").busy is busy
