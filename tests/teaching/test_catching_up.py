"""Catching up in a learner's folder: files found, backed up, written, and refused."""

import json
import os
import shutil
from types import SimpleNamespace

import pytest

from deployworkbook.cli import main
from deployworkbook.execution.jobs import Outcome
from deployworkbook.exercises.filling import is_filled
from deployworkbook.exercises.progress import record, summary
from deployworkbook.jupyter.lessons import catalogue, find_lesson, install, put_beside
from deployworkbook.jupyter.sections import find_section, source_of
from deployworkbook.teaching import catch_up, catching_up, in_kernel, running
from deployworkbook.teaching.catching_up import catch_up_file
from deployworkbook.teaching.running import run_up_to
from deployworkbook.workspace.folder import Workspace

NAME = "02_loss_functions.ipynb"
BEFORE_FIVE = ["losses.mean", "losses.logits", "losses.softmax_gradient"]


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Workspace(tmp_path / "mine").create()


@pytest.fixture
def lesson(workspace):
    """Lesson 02 in a learner's folder, as shipped."""
    return shutil.copy(find_lesson("02").path, workspace.root / NAME)


def edit(path, exercise_id, old, new):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if exercise_id in source_of(cell) and cell["cell_type"] == "code":
            cell["source"] = source_of(cell).replace(old, new)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def sources(path):
    return [source_of(cell) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]


def backups(workspace):
    return sorted(workspace.backups.iterdir()) if workspace.backups.exists() else []


def test_answers_before_a_section_are_filled_in_and_counted_apart(workspace, lesson):
    done = catch_up_file(workspace, "02", "5")
    assert done.filling.filled == BEFORE_FIVE
    assert sum(map(is_filled, sources(lesson))) == len(BEFORE_FIVE)
    (row,) = [row for row in summary(workspace) if row.lesson == "02_loss_functions"]
    assert (row.filled, row.solved, row.tries) == (len(BEFORE_FIVE), 0, 0)
    assert done.backup is None
    assert backups(workspace) == []


def test_an_edited_notebook_is_backed_up_byte_for_byte(workspace, lesson):
    edit(lesson, "losses.mean", "return ...", "return 'mine'")
    before = lesson.read_bytes()
    done = catch_up_file(workspace, "02", "5")
    assert done.filling.kept == ["losses.mean"]
    assert done.backup.read_bytes() == before
    assert any("return 'mine'" in source for source in sources(lesson))


def test_at_every_lesson_the_file_is_in_the_backups_or_unchanged(workspace):
    install(workspace)
    for shipped in catalogue():
        path = workspace.root / shipped.path.name
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["cells"].append({"cell_type": "raw", "metadata": {}, "source": "mine: ✓"})
        path.write_text(json.dumps(notebook), encoding="utf-8")
        before = path.read_bytes()
        done = catch_up_file(workspace, shipped.number, "what you have learnt")
        assert done.backup.read_bytes() == before
        assert sources(path)[-1] == "mine: ✓"


def test_replaced_answers_are_those_not_solved_yet(workspace, lesson):
    for name in ("losses.mean", "losses.softmax_gradient"):
        edit(lesson, name, "return ...", f"return '{name}'")
    record("losses.mean", solved=True, answer_key="k", workspace=workspace)
    done = catch_up_file(workspace, "02", "5", replace=True)
    assert done.filling.kept == ["losses.mean"]
    assert done.filling.replaced == ["losses.softmax_gradient"]
    assert any("#     return 'losses.softmax_gradient'" in source for source in sources(lesson))


def test_again_changes_nothing(workspace, lesson):
    catch_up_file(workspace, "02", "5")
    before = lesson.read_bytes(), lesson.stat().st_mtime_ns
    done = catch_up_file(workspace, "02", "5", replace=True)
    assert done.filling.done == BEFORE_FIVE
    assert (lesson.read_bytes(), lesson.stat().st_mtime_ns) == before
    assert backups(workspace) == []


def test_a_lesson_that_is_missing_is_put_there(workspace):
    assert catch_up_file(workspace, "02", "5").filling.filled == BEFORE_FIVE
    assert (workspace.root / NAME).exists()


def test_a_later_install_leaves_the_filled_copy_alone(workspace):
    install(workspace)
    catch_up_file(workspace, "02", "5")
    assert install(workspace).kept == ("02_loss_functions",)


def test_a_renamed_copy_is_found_by_its_file_and_suggested(workspace, lesson):
    renamed = lesson.rename(workspace.root / "my losses.ipynb")
    with pytest.raises(ValueError, match=r"copies of this lesson are: my losses\.ipynb"):
        catch_up_file(workspace, "02", "5")
    assert catch_up_file(workspace, str(renamed), "5").filling.filled == BEFORE_FIVE
    assert not lesson.exists()


def test_a_lesson_beside_another_is_a_copy_too(workspace):
    beside = put_beside(workspace, find_lesson("02"))
    assert catch_up_file(workspace, str(beside), "5").path == beside


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "isn't JSON"),
        (b'{"cells": [', "isn't JSON"),
        (b"\xff\xfe\x00", "isn't JSON"),
        (b"[" * 100_000, "isn't JSON"),
        (b"[]", "without a list of cells"),
        (b'{"worksheets": []}', "without a list of cells"),
        (b'{"cells": {}}', "without a list of cells"),
        (b'{"cells": [1]}', "isn't a cell"),
        (b'{"cells": [{"cell_type": "code", "source": [1]}]}', "isn't a cell"),
        (b'{"cells": [{"source": ""}]}', "isn't a cell"),
    ],
)
def test_a_damaged_notebook_is_refused_and_left_alone(workspace, lesson, content, problem):
    lesson.write_bytes(content)
    with pytest.raises(ValueError, match=problem) as refused:
        catch_up_file(workspace, "02", "5")
    assert "Nothing was changed. `deployworkbook reset 02`" in str(refused.value)
    assert lesson.read_bytes() == content
    assert backups(workspace) == []


def test_what_json_can_only_escape_survives(workspace, lesson):
    edit(lesson, "losses.logits", "answer = ...", "answer = ...  # \ud800 mine")
    catch_up_file(workspace, "02", "3")
    assert any("\ud800 mine" in source for source in sources(lesson))


def test_a_file_that_is_saved_meanwhile_is_not_overwritten(workspace, lesson, monkeypatch):
    filling = catching_up.fill_cells

    def fill_slowly(*arguments, **options):
        lesson.write_bytes(lesson.read_bytes() + b" ")
        return filling(*arguments, **options)

    monkeypatch.setattr(catching_up, "fill_cells", fill_slowly)
    with pytest.raises(OSError, match="was saved just now, so nothing was changed"):
        catch_up_file(workspace, "02", "5")
    assert not any(map(is_filled, sources(lesson)))


def test_other_notebooks_are_refused(workspace, lesson):
    other = workspace.root / "other.ipynb"
    other.write_text('{"cells": [], "metadata": {"deployworkbook": {"title": "Mine"}}}')
    with pytest.raises(ValueError, match=r"expected a copy of a lesson\. Received: another"):
        catch_up_file(workspace, str(other), "5")
    with pytest.raises(ValueError, match="the lesson itself"):
        catch_up_file(workspace, str(find_lesson("02").path), "5")


@pytest.mark.parametrize(
    ("wanted", "title"),
    [
        ("3", "3. Cross-entropy"),
        ("3.", "3. Cross-entropy"),
        (" CROSS-entropy ", "3. Cross-entropy"),
        ("paper", "5. Formulas on paper, numbers in a machine"),
        ("parameters", "Parameters"),
    ],
)
def test_sections_are_found_by_number_heading_or_part(wanted, title):
    assert find_section(find_lesson("02"), wanted).title == title


@pytest.mark.parametrize("wanted", ["", "0", "33", "er", "cros-entropie"])
def test_sections_that_are_not_there_are_listed(wanted):
    with pytest.raises(ValueError, match=r"one of .*References.*from 1 to \d\.") as refused:
        find_section(find_lesson("02"), wanted)
    assert ("Did you mean cross-entropy" in str(refused.value)) == (wanted == "cros-entropie")


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code


def test_the_command_says_what_it_did_and_what_to_do(workspace, lesson, capsys):
    edit(lesson, "losses.mean", "return ...", "return 1")
    edit(lesson, "losses.logits", 'check("losses.logits", answer)', "")
    assert not command("teach", "catchup", "02", "5", "--dir", str(workspace.root))
    said = capsys.readouterr().out
    assert "numbers in a machine”: losses.softmax_gradient." in said
    assert "which no check has found right yet: losses.mean. `--replace` fills in" in said
    assert "Edits that you hadn't saved vanish on reload" in said
    assert "Not in your notebook any more: losses.logits." in said
    assert f"is saved as {backups(workspace)[0]}." in said
    assert "Run ▸ Run All Above Selected Cell" in said
    record("losses.mean", solved=True, answer_key="k", workspace=workspace)
    assert not command("catchup", "02", "5", "--dir", str(workspace.root))
    assert "which a check has found right: losses.mean.\n" in capsys.readouterr().out
    assert not command("catchup", "02", "1", "--dir", str(workspace.root))
    assert "nothing to fill in before section “1. Mean" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [("passed", 0, "All 7 code cells"), ("failed", 1, "Code cell 3 of 7 failed: Broken: it")],
)
def test_a_run_takes_the_cells_before_the_section(
    workspace, lesson, monkeypatch, capsys, status, code, words
):
    ran = []

    def run_jobs(jobs, **_):
        ran.extend(sources(jobs[0].source))
        return [Outcome(jobs[0], status, 1.0, 7, 7, failed_cell=3, error="Broken: it")]

    monkeypatch.setattr(running, "run_jobs", run_jobs)
    arguments = ("catchup", "02", "3", "--run", "--fast", "--dir", str(workspace.root))
    assert command(*arguments) == code
    assert words in capsys.readouterr().out
    own = sources(lesson)
    heading = next(place for place, text in enumerate(own) if text.startswith("## 3. Cross"))
    assert ran == own[:heading]


def test_a_run_without_the_heading_is_refused(workspace, lesson):
    section = find_section(find_lesson("02"), "3")
    lesson.write_text('{"cells": []}')
    with pytest.raises(ValueError, match="Put the heading back"):
        run_up_to(workspace, lesson, section)


def test_a_kernel_catches_up_without_touching_the_file(workspace, shell, capsys, monkeypatch):
    monkeypatch.setenv("DEPLOYWORKBOOK_HOME", str(workspace.root))
    shell.user_ns["seed"] = 7
    before = list(workspace.root.rglob("*"))
    catch_up("02", 3)
    names = shell.user_ns
    assert names["seed"] == 7
    assert names["mean_squared_error"](names["np"].array([1.0]), names["np"].array([3.0])) == 4
    assert "answer" not in names
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Running ")
    assert said[-1].startswith("Done. Go on with “3. Cross-entropy”")
    assert len(said) == 2
    assert all(each.suffix == ".lock" for each in set(workspace.root.rglob("*")) - set(before))


def test_right_answers_in_a_kernel_stay(workspace, shell, capsys):
    own = shell.user_ns["mean_squared_error"] = lambda targets, predictions: (
        (targets - predictions) ** 2
    ).mean()
    catch_up("02", 2)
    assert shell.user_ns["mean_squared_error"] is own


def test_a_cell_that_fails_in_the_kernel_is_shown(shell, monkeypatch, capsys):
    cells = [SimpleNamespace(place=1, cells=({"cell_type": "code", "source": "1 / 0",
                                              "metadata": {}},))]  # fmt: skip
    monkeypatch.setattr(in_kernel, "sections_of", lambda _: cells)
    with pytest.raises(RuntimeError, match=r"Cell 1 of 1 failed.*\n\n1 / 0"):
        catch_up("02", 3)
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_without_a_kernel_catch_up_says_where_it_works():
    with pytest.raises(RuntimeError, match="needs a notebook's kernel"):
        catch_up("02", 3)


def test_a_folder_that_cannot_be_written_keeps_the_notebook(workspace, lesson, monkeypatch):
    edit(lesson, "losses.mean", "return ...", "return 1")
    before = lesson.read_bytes()

    def full(*_, **__):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Workspace, "back_up", full)
    with pytest.raises(OSError, match="No space"):
        catch_up_file(workspace, "02", "5")
    assert lesson.read_bytes() == before
