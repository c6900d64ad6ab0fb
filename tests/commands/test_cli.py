"""The ``deployworkbook`` command, from arguments to exit codes."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import pytest
from junitparser import JUnitXml
from nbformat.v4 import new_code_cell, new_notebook

from deployworkbook import __version__
from deployworkbook.cli import join_parameters, main
from deployworkbook.execution import runner
from deployworkbook.execution.jobs import Outcome
from deployworkbook.ledger.book import Ledger
from deployworkbook.ledger.machine import this_machine
from deployworkbook.ledger.measurement import Measurement
from tests.waiting import WATCHDOG_S, wait_until


def call(*arguments):
    """Run the command in this process; return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    return ended.value.code or 0


@pytest.fixture
def notebook(tmp_path):
    def write(name, source):
        cell = new_code_cell("a = 1", metadata={"tags": ["parameters"]})
        path = tmp_path / f"{name}.ipynb"
        nbformat.write(new_notebook(cells=[cell, new_code_cell(source)]), path)
        return path

    return write


@pytest.mark.parametrize(
    ("arguments", "joined"),
    [
        (["run", "-p", "a", "1"], ["run", "-p", "a=1"]),
        (["-p", "a", "x=y", "-p", "b", "-3"], ["-p", "a=x=y", "-p", "b=-3"]),
        (["--parameter", "a=1", "04"], ["--parameter", "a=1", "04"]),
        (["-p", "a"], ["-p", "a"]),
        (["-p"], ["-p"]),
    ],
)
def test_p_joins_name_and_value(arguments, joined):
    assert join_parameters(arguments) == joined


def test_version_and_help(capsys):
    assert call("--version") == 0
    assert capsys.readouterr().out == f"deployworkbook {__version__}\n"
    assert call("--help") == 0
    shown = capsys.readouterr().out
    for command in ("lab", "reset", "run", "doctor", "sweep", "ledger", "progress", "serve"):
        assert command in shown


def test_python_m_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "deployworkbook", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"deployworkbook {__version__}\n"


def test_a_run_writes_notebook_page_index_and_report(notebook, tmp_path, capsys):
    path, out = notebook("mine", "print(a + 1)"), tmp_path / "out"
    code = call("run", path, "--out", out, "-p", "a", 41, "--html", "--junit", out / "r.xml")
    assert code == 0
    assert "1 of 1 passed." in capsys.readouterr().out
    executed = nbformat.read(out / "mine.ipynb", as_version=4)
    assert executed.cells[-1].outputs[0].text == "42\n"
    assert "42" in (out / "mine.html").read_text()
    assert 'href="mine.html"' in (out / "index.html").read_text()
    assert JUnitXml.fromfile(str(out / "r.xml")).tests == 1


def test_a_failure_exits_with_1_and_names_cell_and_error(notebook, tmp_path, capsys):
    path, out = notebook("bad", "1 / 0"), tmp_path / "out"
    assert call("run", path, "--out", out, "--html") == 1
    said = capsys.readouterr().out
    assert "bad: failed in code cell 2: ZeroDivisionError: division by zero" in said
    assert "in code cell 2" in (out / "bad.html").read_text()
    assert "failed" in (out / "index.html").read_text()


@pytest.fixture
def pretended(monkeypatch):
    """How each notebook ends, by name, without a run; the runner's own tests start kernels."""
    done = SimpleNamespace(ends={}, jobs=[])

    def run_jobs(jobs, **_):
        done.jobs = jobs
        return [Outcome(job, seconds=1.5, **done.ends[job.source.stem]) for job in jobs]

    monkeypatch.setattr(runner, "run_jobs", run_jobs)
    return done


def test_a_hanging_notebook_exits_with_1(notebook, tmp_path, capsys, pretended):
    pretended.ends["hang"] = {"status": "timed out", "failed_cell": 2, "error": "too long"}
    assert call("run", notebook("hang", ""), "--out", tmp_path / "out", "--cell-timeout", 1) == 1
    assert "timed out in code cell 2" in capsys.readouterr().out
    assert [job.cell_limit_s for job in pretended.jobs] == [1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "99"], "one of 00_start_here"),
        (["run", "no/such.ipynb"], "which is not a file"),
        (["run", "04", "-p", "epoch", "2"], "Did you mean epochs?"),
        (["run", "04", "-p", "2epochs", "2"], "expected NAME VALUE"),
        (["run", "12", "-p", "requests_per_s", "lots"], "its default 2000.0"),
        (["reset", "training"], "one of 00_start_here"),
    ],
)
def test_a_wrong_call_exits_with_1_and_names_the_remedy(arguments, words, capsys, tmp_path):
    out = ["--out", tmp_path / "out"] if arguments[0] == "run" else []
    assert call(*arguments, *out) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("Error: ")
    assert words in said
    assert "Traceback" not in said


@pytest.fixture
def bad_paths(tmp_path):
    """Unusable paths, keyed by what is wrong with them."""
    first, second, file = (tmp_path / name for name in ("first", "second", "file"))
    first.symlink_to(second)
    second.symlink_to(first)
    file.write_text("mine")
    return {
        "loop": first,
        "beyond a loop": first / "x",
        "a file's": file / "x",
        "too long": tmp_path / ("x" * 300) / "y",
        "no user's": "~no-such-user/x",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["ledger", "--dir"],
        ["reset", "04", "--dir"],
        ["progress", "--dir"],
        ["lab", "--no-browser"],
        ["install"],
        ["run", "04", "--out"],
        ["run", "04", "--junit"],
        ["sweep", "--json"],
        ["deploy-files"],
        ["deploy-files", "files", "--repository"],
    ],
    ids=" ".join,
)
def test_an_unusable_path_is_reported_without_a_traceback(
    arguments, bad_paths, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for kind, path in bad_paths.items():
        before = sorted(tmp_path.iterdir())
        assert call(*arguments, path) == 1, kind
        said = capsys.readouterr().err
        assert said.startswith("Error: "), kind
        assert said.count("Error") == 1, kind  # no Python class names
        assert sorted(tmp_path.iterdir()) == before, kind
    assert bad_paths["a file's"].parent.read_text() == "mine"


@pytest.mark.parametrize(
    "arguments",
    [
        ["progress"],
        ["catchup", "05", "3"],
        ["ledger"],
        ["submit", "--yes"],
        ["plan", "--rps", "5"],
        ["versions", "list", "digits"],
        ["publish", "float32"],
        ["deploy-files", "files"],
        ["edge", "small"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("name", ["typo", "empty"])
def test_a_folder_without_lessons_is_refused_and_stays_as_it_is(
    arguments, name, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert call(*arguments, "--dir", tmp_path / name) == 1
    assert "There are no lessons in" in " ".join(capsys.readouterr().err.split())
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_given_as_junit_file_is_refused_before_the_run(tmp_path, capsys):
    out = tmp_path / "out"
    assert call("run", "04", "--out", out, "--junit", tmp_path) == 1
    assert "Name a file" in capsys.readouterr().err


def test_a_run_never_overwrites_its_source_notebook(notebook, tmp_path, capsys):
    path = notebook("mine", "1")
    before = path.read_bytes()
    assert call("run", path, "--out", path.parent) == 1
    assert path.read_bytes() == before


def test_reset_restores_and_names_the_backup(home, capsys):
    folder = home / "deployworkbook"
    folder.mkdir()
    (folder / "04_training.ipynb").write_text("edited")
    assert call("reset", "04") == 0
    said = capsys.readouterr().out
    (backup,) = (folder / "backups").iterdir()
    assert str(backup) in said.replace("\n", "")
    assert backup.read_text() == "edited"
    assert json.loads((folder / "04_training.ipynb").read_text())["cells"]


def test_reset_beside_leaves_the_edited_lesson_as_it_is(home, capsys):
    folder = home / "deployworkbook"
    folder.mkdir()
    (folder / "04_training.ipynb").write_text("edited")
    assert call("reset", "04", "--beside") == 0
    new = folder / "04_training-new.ipynb"
    assert str(new) in capsys.readouterr().out.replace("\n", "")
    assert json.loads(new.read_text())["cells"]
    assert (folder / "04_training.ipynb").read_text() == "edited"
    assert not (folder / "backups").exists()


def test_ledger_prints_every_row_untruncated(home, capsys):
    assert call("ledger") == 0
    assert "empty" in capsys.readouterr().out
    Ledger().add(Measurement("float32", "savedmodel", "2", "mnist", "f", note="as trained"))
    assert call("ledger") == 0
    said = capsys.readouterr().out
    assert "float32" in said
    assert "..." not in said
    assert call("ledger", "--csv") == 0
    assert "as trained" in capsys.readouterr().out


def test_progress_counts_solved_exercises_and_tries(capsys):
    from deployworkbook.exercises import check

    check("training.weights", 1)
    check("training.weights", 784 * 64 + 64 + 64 * 10 + 10)
    capsys.readouterr()
    assert call("progress") == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "04_training" in line]
    assert row.split() == ["04_training", "1", "8", "2", "0", "0"]


def test_doctor_exits_with_1_on_a_problem(monkeypatch, capsys):
    from deployworkbook.jupyter import doctor

    fine = doctor.Check("disk", "ok", "much")
    broken = doctor.Check("Keras", "problem", "[none]", "Install it.")
    monkeypatch.setattr(doctor, "checks", lambda workspace, port: iter([fine]))
    assert call("doctor") == 0
    monkeypatch.setattr(doctor, "checks", lambda workspace, port: iter([fine, broken]))
    assert call("doctor") == 1
    assert "[none]" in capsys.readouterr().out


def test_the_ledger_as_json_has_all_figures_machine_and_note(home, capsys):
    assert call("ledger", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    rates = {1: 10.0, 64: 300.0}
    row = Measurement("float32", "savedmodel", "2", "mnist", "f", correct=9, examples=10,
                      throughput_per_s=rates, note="as trained")  # fmt: skip
    Ledger().add_all([row, row])
    assert call("ledger", "--json") == 0
    (read,) = json.loads(capsys.readouterr().out)
    assert (read["id"], read["variant"], read["accuracy"]) == (2, "float32", 0.9)
    assert read["throughput_per_s"] == {"1": 10.0, "64": 300.0}
    assert (read["latency_p99_ms"], read["note"]) == (None, "as trained")
    assert read["machine"]["cores"] == this_machine().cores
    assert call("ledger", "--all", "--json") == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == [1, 2]


def test_a_damaged_ledger_is_told_apart_from_its_json(home, capsys, caplog):
    Ledger().path.write_bytes(b"no database" * 1000)
    assert call("ledger", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    assert "ledger" in caplog.text


def test_the_ledger_is_csv_or_json_not_both(home, capsys):
    assert call("ledger", "--csv", "--json") == 2
    assert "--csv and --json" in capsys.readouterr().err


def test_progress_as_json_has_a_row_per_lesson(capsys):
    from deployworkbook.exercises import check

    check("training.weights", 784 * 64 + 64 + 64 * 10 + 10)
    capsys.readouterr()
    assert call("progress", "--json") == 0
    rows = {row.pop("lesson"): row for row in json.loads(capsys.readouterr().out)}
    counts = {"solved": 1, "total": 8, "tries": 1, "guesses": 0, "filled": 0}
    assert rows["04_training"] == counts


def test_the_doctor_as_json_keeps_its_exit_code(monkeypatch, capsys):
    from deployworkbook.jupyter import doctor

    broken = doctor.Check("Keras", "problem", "[none]", "Install it.")
    monkeypatch.setattr(doctor, "checks", lambda workspace, port: iter([broken]))
    assert call("doctor", "--json") == 1
    assert json.loads(capsys.readouterr().out) == [
        {"name": "Keras", "status": "problem", "found": "[none]", "remedy": "Install it."}
    ]


def test_a_run_as_json_has_a_summary_per_notebook(notebook, tmp_path, capsys, pretended):
    pretended.ends = {
        "fine": {"status": "passed", "cells_run": 2, "cells": 2},
        "bad": {"status": "failed", "failed_cell": 2, "error": "ZeroDivisionError: by zero"},
    }
    paths = [notebook("fine", "a"), notebook("bad", "1 / 0")]
    assert call("run", *paths, "--out", tmp_path / "out", "--json") == 1
    said = capsys.readouterr()
    fine, bad = json.loads(said.out)
    assert (fine["notebook"], fine["status"], fine["failed_cell"]) == ("fine", "passed", None)
    assert (fine["cells_run"], fine["cells"], fine["warnings"]) == (2, 2, [])
    assert (bad["status"], bad["failed_cell"]) == ("failed", 2)
    assert "ZeroDivisionError" in bad["error"]
    assert bad["output"] == str(tmp_path / "out" / "bad.ipynb")
    assert "1 of 2 passed" in said.err


def test_debug_mode_keeps_the_traceback(monkeypatch):
    monkeypatch.setenv("DEPLOYWORKBOOK_DEBUG", "1")
    with pytest.raises(ValueError, match="one of"):
        main(["reset", "99"])


def test_ctrl_c_exits_with_130(notebook, tmp_path):
    import signal

    started = tmp_path / "started"
    path = notebook("wait", f"open({str(started)!r}, 'w').close()\nimport time\ntime.sleep(600)")
    process = subprocess.Popen(
        [sys.executable, "-m", "deployworkbook", "run", str(path), "--out", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    try:
        wait_until(started.exists, "the cell to run")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=WATCHDOG_S)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "stopped in code cell 2" in said
