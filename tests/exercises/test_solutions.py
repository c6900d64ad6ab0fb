"""Solutions filled into exercise cells: right, complete, formatted, and nothing else touched."""

import inspect
import json
import subprocess
import sys
from functools import cache

import pytest

from deployworkbook.exercises.declaration import Exercise
from deployworkbook.exercises.filling import (
    answer_name,
    binds,
    checked_in,
    fill,
    find_stub,
    is_filled,
    names_of_imports,
    without_check,
)
from deployworkbook.exercises.judging import judge
from deployworkbook.exercises.progress import record_filled, summary
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.exercises.solutions import solution_text
from deployworkbook.jupyter.lessons import lessons_directory
from deployworkbook.workspace.folder import Workspace

WHY = "by a test."


def exercise_cells():
    """Return each exercise's cell as shipped, with the code above it."""
    cells = {}
    for path in sorted(lessons_directory().glob("*.ipynb")):
        above = []
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] != "code":
                continue
            cells |= {name: (source, list(above)) for name in checked_in(source)}
            above.append(source)
    return cells


CELLS = exercise_cells()


@cache
def filled(name):
    source, above = CELLS[name]
    return fill(source, EXERCISES[name], why=WHY, imported=names_of_imports(above))


def run(source, above=()):
    """Run a cell after the imports of the cells above that solutions may rely on."""
    names = {}
    known = [line for text in above for line in text.splitlines() if line in KNOWN_IMPORTS]
    exec("\n".join([*known, without_check(source)]), names)  # noqa: S102
    return names


KNOWN_IMPORTS = (
    "import math",
    "import numpy as np",
    "from deployworkbook.formulas.activations import softmax",
)


def test_every_exercise_has_one_cell_with_a_stub():
    assert set(CELLS) == set(EXERCISES)
    for name, (source, _) in CELLS.items():
        assert find_stub(source, answer_name(source, name), name)


def test_filled_cells_are_right_where_only_the_imports_above_are_there():
    for name, (source, above) in CELLS.items():
        answers = run(filled(name), above)
        assert judge(EXERCISES[name], answers[answer_name(source, name)]).status == "right", name


def test_references_have_the_parameters_of_the_stub():
    for name, exercise in EXERCISES.items():
        if exercise.cases:
            source, above = CELLS[name]
            stub = inspect.signature(run(source, above)[answer_name(source, name)])
            reference = inspect.signature(exercise.reference)
            assert list(reference.parameters) == list(stub.parameters), name


def test_a_wrong_answer_never_raises_an_error():
    for exercise in EXERCISES.values():
        wrong = (lambda *_: -12345.678) if exercise.cases else -12345.678
        assert judge(exercise, wrong).status == "not yet", exercise.id


def test_filled_cells_keep_every_other_line_and_are_marked():
    for name, (source, _) in CELLS.items():
        stub = find_stub(source, answer_name(source, name), name)
        lines = source.split("\n")
        kept = lines[: stub.start] + lines[stub.end :]
        new = filled(name).split("\n")
        assert [line for line in kept if line and line not in new] == []
        assert is_filled("\n".join(new))
        assert not is_filled(source)


def test_filled_cells_are_formatted(tmp_path):
    for name in CELLS:
        (tmp_path / f"{name.replace('.', '_')}.py").write_text(filled(name) + "\n")
    ruff = [sys.executable, "-m", "ruff"]
    rules = [*ruff, "check", "--isolated", "--line-length", "100", "--select", "E501,I", tmp_path]
    shape = [*ruff, "format", "--isolated", "--line-length", "100", "--diff", tmp_path]
    for command in (rules, shape):
        result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        assert result.returncode == 0, result.stdout


def test_a_learners_own_lines_and_layout_survive():
    source = (
        "%matplotlib inline\n"
        "# my note: π ≠ 3\n"
        "def step(parameters, gradient, rate):\n"
        '  """Mine."""\n'
        "  return ...  # later\n"
        "\n"
        'check("descent.step", step)\n'
        "print('done')"
    )
    assert fill(source, EXERCISES["descent.step"], why=WHY).split("\n") == [
        "# Filled in by a test.",
        "%matplotlib inline",
        "# my note: π ≠ 3",
        "def step(parameters, gradient, rate):",
        '  """Mine."""',
        "  # later",
        "  return parameters - rate * gradient",
        "",
        'check("descent.step", step)',
        "print('done')",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "answer = 3",
        "answer = ...\nanswer = 3",
        "def answer(x):\n    y = x\n    return ...",
        "def answer(x):\n    return x",
        "if True:\n    answer = ...",
        "answer, other = ..., 1",
        "answer = other = ...",
        "answer = (...",
        "other = ...",
        "",
    ],
)
def test_what_a_learner_has_begun_is_no_stub(source):
    assert find_stub(source, "answer") is None


def test_the_stub_before_the_exercises_own_check_is_filled():
    both = 'answer = ...\ncheck("losses.logits", answer)\nanswer = 5\ncheck("serving.hang", answer)'
    assert find_stub(both, "answer", "losses.logits").end == 1
    assert find_stub(both, "answer", "serving.hang") is None
    assert checked_in(both) == ["losses.logits", "serving.hang"]
    assert without_check(both) == "answer = ...\nanswer = 5"


def test_names_and_imports_are_read_from_cells():
    assert binds("for i in []:\n    answer = 1", "answer")
    assert answer_name('check("serving.hang", 50)', "serving.hang") is None
    assert answer_name('answer = (\ncheck("serving.hang", answer)', "serving.hang") is None
    assert names_of_imports(["!ls\nimport math", "import numpy as np, os.path"]) >= {"math", "np"}


def test_a_cell_without_a_stub_is_refused():
    with pytest.raises(ValueError, match=r"serving\.hang.*the dots of answer"):
        fill('answer = 1\ncheck("serving.hang", answer)', EXERCISES["serving.hang"], why=WHY)


def test_an_exercise_without_a_solution_as_code_is_refused():
    prose = Exercise("serving.hang", "a number", 50, hints=("Count them.",))
    prose = Exercise("start.none", prose.expected, prose.reference, prose.hints)
    with pytest.raises(ValueError, match=r"start\.none.*a last hint that is code"):
        solution_text(prose)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("DEPLOYWORKBOOK_HOME", str(tmp_path))
    return Workspace(tmp_path)


def progress_of(workspace):
    (row,) = [row for row in summary(workspace) if row.lesson == "10_tf_serving"]
    return row.solved, row.filled, row.tries


def run_in(shell, source):
    shell.run_cell("from deployworkbook.exercises import check")
    assert shell.run_cell(source, store_history=True).success


def test_an_answer_that_was_filled_in_is_right_but_not_solved(workspace, shell, capsys):
    record_filled(["serving.hang"], workspace=workspace)
    run_in(shell, filled("serving.hang"))
    assert capsys.readouterr().out.startswith("Right. This answer was filled in")
    assert progress_of(workspace) == (0, 1, 0)


def test_an_own_answer_counts_once_the_mark_is_gone(workspace, shell, capsys):
    record_filled(["serving.hang"], workspace=workspace)
    run_in(shell, "\n".join(filled("serving.hang").split("\n")[1:]))
    assert capsys.readouterr().out == "Right.\n"
    assert progress_of(workspace) == (1, 0, 1)


def test_a_filled_answer_that_is_broken_again_gets_the_usual_feedback(workspace, shell, capsys):
    run_in(shell, filled("serving.hang").replace("100 / 2", "0"))
    assert "The first request waits for the whole second." in capsys.readouterr().out
    assert progress_of(workspace) == (0, 0, 1)
