"""The ``preload`` command: train beforehand what lessons train, so that a class doesn't wait."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployworkbook.commands.folder import Folder, workspace_of
from deployworkbook.commands.run import STOPPED

if TYPE_CHECKING:
    from deployworkbook.teaching.preloading import Preloaded


class DataName(StrEnum):
    """The data sets that lessons can use."""

    mnist = "mnist"
    digits = "digits"


def preload(
    lessons: Annotated[
        list[str] | None,
        typer.Argument(metavar="LESSON", help="Numbers or names of lessons (default: all)."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder for the models, which everybody may read (default: your own models).",
        ),
    ] = None,
    dataset: Annotated[
        list[DataName] | None,
        typer.Option(
            help="Data set that the learners have; repeatable "
            "(default: as in the lessons, MNIST if this machine has it or can download it)."
        ),
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Use the lessons' small parameters, as run --fast does.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON; progress goes to stderr.")
    ] = False,
    folder: Folder = None,
) -> None:
    """Train beforehand what the lessons train.

    Runs the lessons one after the other and keeps each model they train, so that nobody waits for
    it later. Models that the folder has already aren't trained again: after an interruption, call
    it again. Exits with 1 if a lesson fails; the others still run.
    """
    from rich.console import Console

    from deployworkbook.commands.live import print_plain
    from deployworkbook.commands.run_report import RunDisplay, print_summary
    from deployworkbook.teaching.preloading import jobs_for
    from deployworkbook.teaching.preloading import preload as fill
    from deployworkbook.workspace.collecting import results_in

    if DataName.mnist in (dataset or []):
        from deployworkbook.training.data import load_dataset

        load_dataset("mnist")  # an error now, rather than one per lesson
    jobs = jobs_for(_runs(lessons or [], dataset or [], fast=fast))
    target = _created(into, workspace_of(folder).models)
    console = Console(stderr=as_json)
    done = []
    with RunDisplay(jobs, console, says_ends=False) as display:
        for each in fill(jobs, target, open_to_all=into is not None, on_event=display.update):
            display.say(_in_words(each))
            done.append(each)
    print_summary([each.outcome for each in done], console)
    kept = results_in(target)
    if as_json:
        total = sum(result.size_bytes for result in kept)
        print(json.dumps(_as_json(done, target, len(kept), total), indent=1))
    else:
        for line in _ending(target, kept, is_shared=into is not None):
            print_plain(console, line)
    statuses = {each.outcome.status for each in done}
    if "stopped" in statuses:
        raise typer.Exit(STOPPED)
    raise typer.Exit(0 if statuses == {"passed"} else 1)


def _runs(
    names: Sequence[str], datasets: Sequence[DataName], *, fast: bool
) -> list[tuple[Path, dict[str, object]]]:
    """Return each lesson's notebook with its parameters, once per data set, in lessons' order."""
    from deployworkbook.execution.parameters import declared_parameters, parameters_for
    from deployworkbook.jupyter.lessons import catalogue, find_lesson

    chosen = {find_lesson(name).path for name in names}
    runs = []
    for lesson in catalogue():
        if chosen and lesson.path not in chosen:
            continue
        given: list[dict[str, object]] = [{}]
        if datasets and "dataset" in declared_parameters(lesson.path):
            given = [{"dataset": name.value} for name in dict.fromkeys(datasets)]
        for values in given:
            (parameters,) = parameters_for([lesson.path], values, fast=fast)
            runs.append((lesson.path, parameters))
    return runs


def _created(into: Path | None, models: Path) -> Path:
    """Return the folder to fill; create it if it is missing."""
    from deployworkbook.workspace.collecting import OPEN_FOLDER
    from deployworkbook.workspace.files import full_path

    target = models if into is None else full_path(into)
    is_new = not target.exists()
    target.mkdir(parents=True, exist_ok=True)
    if into is not None and is_new:
        target.chmod(OPEN_FOLDER)
    return target


def _in_words(done: Preloaded) -> str:
    from deployworkbook.plots.words import byte_size, counted

    outcome, results = done.outcome, counted(len(done.made), "result")
    name, status, seconds = outcome.job.source.stem, outcome.status, outcome.seconds
    if not done.made:
        return f"{name}: {status} after {seconds:.0f} s, nothing new"
    size = byte_size(sum(result.size_bytes for result in done.made))
    return f"{name}: {status} after {seconds:.0f} s, made {results} of {size}"


def _ending(target: Path, kept: Sequence[Any], *, is_shared: bool) -> list[str]:
    from deployworkbook.plots.words import byte_size, counted
    from deployworkbook.workspace.collecting import closed_to_others
    from deployworkbook.workspace.folder import SHARED_VARIABLE

    size = byte_size(sum(result.size_bytes for result in kept))
    has = f"{target} has {counted(len(kept), 'result')} of {size}."
    if not is_shared:
        return [has, "Your lessons find them there. For a class, name a folder with --into."]
    lines = [
        has,
        "They fit learners who have the same versions of Python and of the packages. "
        "Set this for each learner, before JupyterLab starts:",
        f"  export {SHARED_VARIABLE}={shlex.quote(str(target))}",
    ]
    if closed := closed_to_others(target):
        lines.append(f"Other users can't enter {closed} yet. Let them in with: chmod o+x {closed}")
    return lines


def _as_json(done: Sequence[Preloaded], target: Path, count: int, total: int) -> dict[str, Any]:
    from deployworkbook.workspace.folder import SHARED_VARIABLE

    return {
        "folder": str(target),
        "environment": {SHARED_VARIABLE: str(target)},
        "results": count,
        "bytes": total,
        "lessons": [
            {
                "lesson": each.outcome.job.source.stem,
                "dataset": each.outcome.job.parameters.get("dataset"),
                "status": each.outcome.status,
                "seconds": round(each.outcome.seconds, 3),
                "error": each.outcome.error,
                "made": [{"name": made.name, "bytes": made.size_bytes} for made in each.made],
            }
            for each in done
        ],
    }
