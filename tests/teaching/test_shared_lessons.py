"""Every lesson runs with models that somebody else has made and nobody may write.

It takes as long as all lessons twice, so it only reports: ``pytest -m report -s``.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deployworkbook.execution.parameters import fast_parameters
from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.teaching.preloading import jobs_for, preload
from deployworkbook.workspace.collecting import results_in
from deployworkbook.workspace.folder import ENVIRONMENT_VARIABLE, SHARED_VARIABLE
from tests.workspace.test_shared import NOBODY, open_folder, state_of

# Without these, root may write no more than others may.
POWERS = "-dac_override,-dac_read_search,-fowner,-chown"


def as_another_user(folder):
    """Give a folder to somebody else, without permission to write; return what begins a command."""
    for path in [*folder.rglob("*"), folder]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.geteuid() != 0:
        return []
    for path in [*folder.rglob("*"), folder]:
        os.chown(path, NOBODY, NOBODY)
    setpriv = shutil.which("setpriv")
    return [setpriv, f"--bounding-set={POWERS}", f"--inh-caps={POWERS}", "--"] if setpriv else []


@pytest.fixture(scope="module")
def prepared():
    """All that the lessons train with their small parameters, and who reads it."""
    with open_folder() as root:
        shared = root / "shared"
        shared.mkdir()
        runs = [(lesson.path, fast_parameters(lesson.path)) for lesson in catalogue()]
        for done in preload(jobs_for(runs), shared, open_to_all=True):
            made = [result.name for result in done.made]
            print(f"{done.outcome.job.source.stem}: {done.outcome.seconds:.0f} s, made {made}")
            assert done.outcome.status == "passed", done.outcome.error
        yield shared, as_another_user(shared)
        for path in [shared, *shared.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.report
@pytest.mark.parametrize("lesson", catalogue(), ids=lambda lesson: lesson.name)
def test_a_lesson_trains_nothing_that_was_preloaded(prepared, tmp_path, lesson):
    shared, begin = prepared
    before, home = state_of(shared), tmp_path / "home"
    variables = {ENVIRONMENT_VARIABLE: str(home), SHARED_VARIABLE: str(shared)}
    done = subprocess.run(
        [
            *(*begin, sys.executable, "-m", "deployworkbook", "run", lesson.number),
            *("--fast", "--json", "--out", str(tmp_path / "out")),
        ],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    (outcome,) = json.loads(done.stdout)
    print(f"{lesson.name}: {outcome['status']} in {outcome['seconds']:.0f} s")
    assert outcome["status"] == "passed", outcome["error"]
    assert results_in(home / "models") == []
    assert "is not among the shared models" not in Path(outcome["output"]).read_text()
    assert state_of(shared) == before
