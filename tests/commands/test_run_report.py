"""The live table, summary and JUnit report of a run."""

from io import StringIO
from pathlib import Path

from junitparser import JUnitXml
from rich.console import Console

from deployworkbook.commands.run_report import RunDisplay, print_summary, write_junit
from deployworkbook.execution.background import BackgroundError
from deployworkbook.execution.jobs import Job, JobEvent, Outcome


def outcome(name, status, **more):
    job = Job(Path(f"{name}.ipynb"), Path(f"out/{name}.ipynb"), {}, 1, 1)
    return Outcome(job, status, 2.5, cells=4, cells_run=3, **more)


PASSED = outcome("one", "passed")
FAILED = outcome("two", "failed", failed_cell=3, error="ValueError: [no] such", source_line="f()")
LATE = outcome("three", "timed out", failed_cell=1, error="it hung")
STOPPED = outcome("four", "stopped", error="stopped by the user")
ALL = [PASSED, FAILED, LATE, STOPPED]


def console(**options):
    return Console(file=StringIO(), width=100, **options)


def test_without_a_terminal_each_notebook_prints_a_line():
    out = console()
    with RunDisplay([each.job for each in ALL], out) as table:
        table.update(JobEvent(PASSED.job, 1, 4))
        for each in ALL:
            table.update(JobEvent(each.job, outcome=each))
    lines = out.file.getvalue().splitlines()
    assert lines == [
        "one: passed, 4 cells in 2.5 s",
        "two: failed in code cell 3: ValueError: [no] such",
        "three: timed out in code cell 1: it hung",
        "four: stopped: stopped by the user",
    ]


def test_in_a_terminal_each_notebook_has_a_row():
    out = console(force_terminal=True)
    with RunDisplay([each.job for each in ALL], out) as table:
        table.update(JobEvent(FAILED.job, outcome=FAILED))
        table.update(JobEvent(LATE.job, 2, 4))
    shown = out.file.getvalue()
    for text in ("one", "waiting", "two", "failed", "3/4", "three", "running", "2/4"):
        assert text in shown


def test_summary_names_cell_error_and_source_line():
    out = console()
    print_summary(ALL, out)
    text = out.file.getvalue()
    assert "two: failed in code cell 3: ValueError: [no] such\n  f()\n" in text
    assert text.endswith("1 of 4 passed, 3 did not.\n")


def test_summary_without_failures_is_one_line():
    out = console()
    print_summary([PASSED], out)
    assert out.file.getvalue() == "1 of 1 passed.\n"


def test_junit_report_counts_each_status(tmp_path):
    path = tmp_path / "deep" / "report.xml"
    write_junit(ALL, path)
    (suite,) = JUnitXml.fromfile(str(path))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (4, 1, 1, 1)
    cases = {case.name: case for case in suite}
    assert cases["one"].time == 2.5
    assert "ValueError: [no] such" in cases["two"].result[0].message


def test_background_errors_are_warnings_in_summary_and_report(tmp_path):
    warning = BackgroundError("thread T", "ValueError: [no]", "Traceback: all of it")
    run, out, path = outcome("five", "passed", warnings=[warning]), console(), tmp_path / "r.xml"
    print_summary([run], out)
    text = out.file.getvalue()
    assert "five: passed, 4 cells in 2.5 s, 1 warning" in text
    assert "warning: thread T raised ValueError: [no]" in text
    assert text.endswith("1 of 1 passed.\n")
    write_junit([run], path)
    ((case,),) = JUnitXml.fromfile(str(path))
    assert case.system_err == "Traceback: all of it"
