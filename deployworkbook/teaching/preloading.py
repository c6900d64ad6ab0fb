"""Fill a folder of models with all that lessons train, by running the lessons.

Nothing lists what lessons train: such a list would soon be out of date. Each lesson runs as it
would for a learner who opens it first, in a workspace of its own that finds what the folder has
already, and whatever it builds is copied into the folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from deployworkbook.execution.jobs import Job, JobEvent, Outcome
from deployworkbook.execution.runner import run_jobs
from deployworkbook.workspace.collecting import Result, collect
from deployworkbook.workspace.folder import ENVIRONMENT_VARIABLE, SHARED_VARIABLE, Workspace

# Far more than any cell and any lesson take, also on a slow machine.
CELL_LIMIT_S, LESSON_LIMIT_S = 3600, 4 * 3600


@dataclass(frozen=True)
class Preloaded:
    """What running a lesson has put into the folder.

    Args:
        outcome: How the run ended.
        made: Results that the folder didn't have before.
    """

    outcome: Outcome
    made: tuple[Result, ...]


def jobs_for(runs: Sequence[tuple[Path, Mapping[str, object]]]) -> list[Job]:
    """Return the jobs that run notebooks with parameters; nobody needs what they print.

    Args:
        runs: Each notebook's path, and values by name for its cell of parameters.
    """
    # Several runs of one lesson differ in their parameters, so each has a folder of its own.
    return [
        Job(source, Path(str(number)) / source.name, values, CELL_LIMIT_S, LESSON_LIMIT_S)
        for number, (source, values) in enumerate(runs)
    ]


def preload(
    jobs: Sequence[Job],
    target: Path,
    *,
    open_to_all: bool = False,
    on_event: Callable[[JobEvent], None] = lambda event: None,
) -> Iterator[Preloaded]:
    """Run notebooks one after the other, and put what they build into a folder of models.

    What the folder has is not built again, so that an interrupted call can be repeated: it keeps
    each result from the moment it is complete. A notebook that fails doesn't stop the others.

    Args:
        jobs: From ``jobs_for``.
        target: The folder of models, which exists.
        open_to_all: Whether everybody may read the results, whatever the umask.
        on_event: Function called for each step.

    Yields:
        What each job has put into the folder; after Ctrl-C the last one is ``"stopped"``.

    Raises:
        OSError: The folder is not writable, or another call is filling it.
    """
    with _only_one(target):
        for job in jobs:
            done = _run(job, target, open_to_all, on_event)
            yield done
            if done.outcome.status == "stopped":
                return


def _run(
    job: Job, target: Path, open_to_all: bool, on_event: Callable[[JobEvent], None]
) -> Preloaded:
    made: list[Result] = []
    seen: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="deployworkbook-preload-") as scratch:
        workspace = Workspace(Path(scratch) / "workspace").create()

        def keep_new() -> None:
            made.extend(collect(workspace.models, target, open_to_all=open_to_all, seen=seen))

        def keep(event: JobEvent) -> None:
            # Before each cell, so that an interruption loses what one cell has built at most.
            keep_new()
            on_event(JobEvent(job, event.cell, event.cells, event.outcome))

        here = Job(
            job.source,
            Path(scratch) / "executed.ipynb",
            job.parameters,
            job.cell_timeout_s,
            job.timeout_s,
        )
        variables = {ENVIRONMENT_VARIABLE: str(workspace.root), SHARED_VARIABLE: str(target)}
        (outcome,) = run_jobs([here], workers=1, environment=variables, on_event=keep)
        keep_new()
    return Preloaded(outcome, tuple(made))


@contextmanager
def _only_one(target: Path) -> Iterator[None]:
    """Hold the lock that lets only one process fill a folder.

    Raises:
        OSError: The folder is not writable, or another process is filling it.
    """
    lock = FileLock(target / ".preload.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise OSError(
            f"Another process is filling {target} at the moment. Wait for it, or name another "
            "folder with --into."
        ) from None
    try:
        yield
    finally:
        lock.release()
