"""Sweeps on the digits: everything once, whatever fails, dies or is stopped.

One sweep trains; the others build light stages, since what happens around them is the same.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import psutil
import pytest

from deployworkbook.cli import main
from deployworkbook.compression import distill, pipeline, workers
from deployworkbook.compression import sweep as module
from deployworkbook.compression.grid import SweepPoint, SweepResult, as_table, best_of, grid
from deployworkbook.compression.point_building import PointBuilder
from deployworkbook.compression.stages import Prune, Quantize
from deployworkbook.compression.sweep import sweep
from deployworkbook.compression.sweep_task import SweepTask
from deployworkbook.compression.workers import GONE
from deployworkbook.ledger.book import Ledger
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.workspace.folder import ENVIRONMENT_VARIABLE, Workspace
from tests.compression.light_builder import LightBuilder
from tests.waiting import WATCHDOG_S, wait_until

# Two pruned models, each with two widths; most tests make the first two points, three stages.
GRID = grid(bits=[4, 8], sparsity=[0.8, 0.9], temperature=[2])
HALF_GRID, STAGES = GRID[:2], 1 + 2
# A single one trains, once: eight bits only round.
TRAINED = [GRID[1]]
SETTINGS = {"dataset": "digits", "epochs": 1}
OPTIONS = ["sweep", "--dataset", "digits", "--epochs", "1", "--sparsity", "0.8,0.9"]
OPTIONS += ["--temperature", "2"]
# One pruned model, with two widths, on one worker.
HALF_OPTIONS = [*OPTIONS, "--sparsity", "0.8"]
ALONE = ["--workers", "1"]


# The command, with the light builder.
COMMAND = [sys.executable, "-c", "from tests.compression.light_builder import *; run_command()"]


@pytest.fixture
def workspace(tmp_path):
    """A workspace of the test's own, where no stage is made yet."""
    return Workspace(tmp_path / "mine").create()


@pytest.fixture
def light(monkeypatch):
    """Build light stages, without TensorFlow."""
    monkeypatch.setattr(module, "builder_of", LightBuilder)


@pytest.fixture(scope="module")
def trained(model_folder, model, digits, tmp_path_factory):
    """A sweep that trains: its workspace, its results, and what it reported."""
    workspace, told = Workspace(tmp_path_factory.mktemp("trained")).create(), []
    shutil.copytree(model_folder, workspace.models, dirs_exist_ok=True)
    # The model is its own teacher, since nothing here asks how good that is.
    with patch.object(distill, "Retraining") as teaching:
        teaching.return_value.result.return_value = model
        teaching.return_value.steps = 1
        distill.teacher(digits, folder=workspace.models)
    results = sweep(TRAINED, workspace=workspace, on_result=told.append, workers=1, **SETTINGS)
    return workspace, results, told


def mark(workspace, name):
    """Let something happen in the middle of a light stage."""
    marked = workspace.root / name
    marked.touch()
    return marked


def environment_of(workspace):
    root = {ENVIRONMENT_VARIABLE: str(workspace.root)}
    return dict(os.environ) | root | {"PYTHONPATH": str(Path(__file__).parents[2])}


def stages(workspace):
    """The stages that are kept, and when each was made."""
    return {path.name: path.stat().st_mtime_ns for path in workspace.models.glob("stage-*")}


def rows(workspace):
    return [entry.measurement for entry in Ledger(workspace.ledger_path).entries()]


def named(point):
    """What the ledger calls a point that has one epoch."""
    return f"{point}-e1"


def check_all_once(workspace, points=GRID):
    """Each point has one row, each stage one folder, and nothing half made is left."""
    assert sorted(row.variant for row in rows(workspace)) == sorted(map(named, points))
    assert len(stages(workspace)) == len({point.sparsity for point in points}) + len(points)
    assert not list(workspace.models.glob("*.tmp"))


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    return ended.value.code or 0


def test_a_grid_has_each_point_once_and_neighbours_share_the_pruned_model():
    points = grid(bits=[8, 4, 8], sparsity=[0, 0.9], temperature=[2, 2.0, 4])
    assert len(points) == 2 * 2 * 2
    assert points[0] == SweepPoint(8, 0.0, 2.0)
    for first, second in zip(points[::2], points[1::2], strict=True):
        assert first.recipe()[:-1] == second.recipe()[:-1]
        assert (first.bits, second.bits) == (8, 4)


def test_a_point_is_the_pipelines_recipe_with_its_own_settings():
    pruning, quantizing = SweepPoint(8, 0.9, 3.0).recipe()
    assert isinstance(pruning, Prune)
    assert isinstance(quantizing, Quantize)
    assert (pruning.pruning.sparsity, quantizing.bits) == (0.9, 8)
    assert pruning.settings.temperature == quantizing.settings.temperature == 3.0
    usual = pipeline.RECIPE
    assert pruning.settings.epochs == usual[0].settings.epochs
    assert pruning.pruning.fade == usual[0].pruning.fade
    # Half as many of the longest, half as many of the rest.
    halved = SweepPoint(8, 0.9, 3.0).recipe(usual[0].settings.epochs // 2)
    assert [2 * stage.settings.epochs for stage in halved] == [
        stage.settings.epochs for stage in usual
    ]


@pytest.mark.parametrize(
    ("point", "words"),
    [
        (SweepPoint(3, 0.9, 2), "bits: expected one of 4, 8"),
        (SweepPoint(4, 1.0, 2), "sparsity: expected"),
        (SweepPoint(4, 0.9, 0), "temperature: expected"),
    ],
)
def test_an_invalid_point_is_refused_before_anything_runs(point, words, workspace):
    with pytest.raises(ValueError, match=words):
        sweep([GRID[0], point], workspace=workspace, **SETTINGS)
    assert not rows(workspace)


def test_a_sweep_measures_each_point_once(trained):
    workspace, results, told = trained
    assert [(result.point, result.status) for result in results] == [
        (point, "measured") for point in TRAINED
    ]
    check_all_once(workspace, TRAINED)
    assert sum(result.stages_made for result in results) == 2
    assert {result.status for result in told} == {"running", "measured"}
    for result in results:
        assert result.measurement.accuracy > 0.5  # chance is 0.1
        assert result.measurement.made_by


def test_a_repeated_sweep_finds_all_points_and_trains_nothing(trained, monkeypatch):
    workspace, results, _ = trained
    made = stages(workspace)
    # Where the scheduler would be asked for, nothing may ask.
    monkeypatch.setattr(module, "local_client", None)
    found = sweep(TRAINED, workspace=workspace, **SETTINGS)
    assert [result.status for result in found] == ["found"] * len(TRAINED)
    assert [result.measurement for result in found] == [result.measurement for result in results]
    assert stages(workspace) == made
    check_all_once(workspace, TRAINED)


def test_a_worker_needs_the_workspace_and_the_same_code(trained, tmp_path):
    builder, (workspace, *_) = PointBuilder(epochs=1), trained
    task = SweepTask(GRID[0], ("a", "b"), "digits", workspace.root)
    with pytest.raises(RuntimeError, match="other data, another version"):
        builder.make(task)
    with pytest.raises(FileNotFoundError, match="no access to the workspace"):
        builder.make(replace(task, root=tmp_path / "elsewhere"))


def obstacle(workspace, point):
    """Stand in the way of a point's last stage: its lock cannot be taken."""
    ((_, key),) = LightBuilder(epochs=1).keys([point], None, workspace.models, str)
    lock = workspace.models / f".stage-digits-int{point.bits}-{key}.lock"
    lock.mkdir(parents=True)
    return lock


def test_a_failing_point_is_retried_and_named_and_the_others_finish(
    workspace, light, capsys, tmp_path
):
    lock = obstacle(workspace, GRID[1])
    report = tmp_path / "report.json"
    arguments = [*HALF_OPTIONS, *ALONE, "--retries", 1, "--dir", workspace.root, "--json", report]
    assert call(*arguments) == 1
    said = capsys.readouterr().out
    assert f"{GRID[1]}: failed once: IsADirectoryError" in said
    assert f"{GRID[1]}: failed 2 times: IsADirectoryError" in said
    assert "1 of 2 points are in the ledger, 1 failed. Repeat the command" in said
    assert [row.variant for row in rows(workspace)] == [named(GRID[0])]
    written = {row["point"]: row for row in json.loads(report.read_text())}
    assert written[str(GRID[1])]["status"] == "failed"
    assert written[str(GRID[1])]["accuracy_percent"] is None
    assert written[str(GRID[0])]["compressed_bytes"] > 0
    assert any(row["frontier"] for row in written.values())

    # What failed is all that is left to do.
    lock.rmdir()
    made = stages(workspace)
    assert call(*arguments) == 0
    assert "2 of 2 points are in the ledger." in capsys.readouterr().out
    assert stages(workspace).items() > made.items()
    check_all_once(workspace, HALF_GRID)


def test_a_killed_worker_loses_and_repeats_nothing(workspace, light):
    told = []
    mark(workspace, "kill-2")
    results = sweep(HALF_GRID, workspace=workspace, on_result=told.append, workers=2, **SETTINGS)
    assert [result.status for result in results] == ["measured"] * len(HALF_GRID)
    died = [result for result in told if result.status == "failed again"]
    assert died
    assert {result.error for result in died} == {
        "its worker process died: killed, or out of memory"
    }
    check_all_once(workspace, HALF_GRID)
    # The first stage was whole when the worker was killed in the next.
    assert sum(result.stages_made for result in results) == STAGES - 1


def test_two_sweeps_at_once_build_everything_once(workspace, light):
    hold = mark(workspace, "hold-1")

    def release():
        try:
            both = "both sweeps' workers"
            wait_until(lambda: len(list(workspace.root.glob("began-*"))) == 2, both)
        finally:
            hold.unlink()  # else the other would wait, and hide why

    # One sweep by the command, one here.
    with (
        subprocess.Popen(
            [*COMMAND, *HALF_OPTIONS, *ALONE],
            env=environment_of(workspace),
            stdout=subprocess.PIPE,
            text=True,
        ) as other,
        ThreadPoolExecutor() as background,
    ):
        released = background.submit(release)
        results = sweep(HALF_GRID, workspace=workspace, workers=1, **SETTINGS)
        released.result()
        said, _ = other.communicate(timeout=WATCHDOG_S)
    assert other.returncode == 0, said
    assert "2 of 2 points are in the ledger." in said
    assert {result.status for result in results} == {"measured"}
    check_all_once(workspace, HALF_GRID)


def test_a_restarted_scheduler_loses_and_repeats_nothing(
    workspace, light, dask_cluster, monkeypatch, capsys
):
    first = []
    hold = mark(workspace, f"hold-{STAGES}")
    # For so long its client looks for a scheduler that is gone.
    monkeypatch.setattr(workers, "PATIENCE_S", WATCHDOG_S)
    take = module._Sweep.take

    def take_and_kill(run, job, event, notice):
        take(run, job, event, notice)
        # In the middle of a point: the next is begun, and the one before is in the ledger.
        if event.status == "running" and rows(workspace) and not first:
            first.extend(rows(workspace))
            scheduler.kill()
            scheduler.wait()
            clusters.enter_context(dask_cluster(1, port=address.rpartition(":")[2]))
            hold.unlink()

    monkeypatch.setattr(module._Sweep, "take", take_and_kill)
    with ExitStack() as clusters:
        address, scheduler = clusters.enter_context(dask_cluster(1))
        options = [*HALF_OPTIONS, "--scheduler", address]
        assert call(*options, "--dir", workspace.root) == 0
    said = capsys.readouterr().out
    assert f"failed once: {GONE}; it will be retried" in said
    assert "2 of 2 points are in the ledger." in said
    assert rows(workspace)[: len(first)] == first
    check_all_once(workspace, HALF_GRID)


def test_ctrl_c_leaves_no_process_and_keeps_finished_points(workspace, light):
    hold = mark(workspace, "hold-3")
    marked = {"SWEEP_OF_THE_TEST": str(workspace.root)}
    process = subprocess.Popen(
        [*COMMAND, *OPTIONS, *ALONE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment_of(workspace) | marked,
        start_new_session=True,
    )

    def has_a_row():
        assert process.poll() is None
        return workspace.ledger_path.exists() and rows(workspace)

    wait_until(has_a_row, "the first row")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
    said, errors = process.communicate(timeout=WATCHDOG_S)
    assert process.returncode == 130
    assert "Traceback" not in said + errors
    assert not [other for other in psutil.process_iter() if is_marked(other, marked)]
    kept = rows(workspace)
    assert len(kept) == 1
    assert "1 of 4 points are in the ledger." in said

    # The rest follows, and what was there stays as it was.
    hold.unlink()
    results = sweep(GRID, workspace=workspace, workers=1, **SETTINGS)
    assert sum(result.status == "found" for result in results) == len(kept)
    assert rows(workspace)[: len(kept)] == kept
    check_all_once(workspace)


def is_marked(process, variables):
    try:
        environment = process.environ()
    except psutil.Error:
        return False
    return variables.items() <= environment.items()


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--bits", "four", "--bits: expected comma-separated whole numbers. Received: 'four'"),
        ("--bits", "4,3", "bits: expected one of 4, 8"),
        ("--sparsity", "0.9;0.95", "--sparsity: expected comma-separated numbers"),
        ("--sparsity", "95", "sparsity: expected a finite number in [0, 1)"),
        ("--temperature", "-1", "temperature: expected a finite number in (0,"),
        ("--dataset", "cats", "expected one of 'auto', 'mnist', 'digits'"),
        ("--epochs", "0", "epochs: expected an integer of at least 1"),
        ("--workers", "0", "workers: expected an integer of at least 1"),
        ("--retries", "-1", "retries: expected an integer of at least 0"),
    ],
)
def test_a_wrong_option_exits_with_1_and_a_remedy(option, value, words, capsys):
    assert call("sweep", option, value) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("Error: ")
    assert words in said


def test_workers_and_a_scheduler_exclude_each_other(capsys):
    assert call("sweep", "--workers", "2", "--scheduler", "tcp://127.0.0.1:9") == 1
    assert "workers or a scheduler, not both" in capsys.readouterr().err


def test_the_table_marks_the_frontier_and_the_best_is_the_most_accurate():
    def result(point, size, correct):
        measured = Measurement(
            str(point),
            "litert",
            "2",
            "digits",
            "f",
            compressed_bytes=size,
            correct=correct,
            examples=100,
            latency_p50_ms=0.01,
        )
        return SweepResult(point, "measured", measured, 1)

    results = [
        result(GRID[0], 400, 98),
        result(GRID[1], 100, 97),
        result(GRID[2], 200, 96),
        SweepResult(GRID[3], "failed", attempts=3, error="too sparse"),
    ]
    table = as_table(results)
    assert table["frontier"].tolist() == [True, True, False, False]
    assert table["error"].tolist() == ["", "", "", "too sparse"]
    assert best_of(results) == results[0]
    assert best_of([*results, result(GRID[2], 300, 98)]).measurement.compressed_bytes == 300
    assert best_of(results[3:]) is None
    assert not as_table(results[3:])["frontier"].any()
