"""A class's submissions: right answers count, and nothing else does."""

import csv
import io
import json
import linecache
import statistics
import time
from pathlib import Path

import psutil
import pytest

from deployworkbook.cli import main
from deployworkbook.exercises.filling import answer_name, without_check
from deployworkbook.exercises.kept import written
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.exercises.sources import is_own_module, program_of
from deployworkbook.teaching.collecting.batch import collect
from deployworkbook.teaching.collecting.calling import isolation_here
from deployworkbook.teaching.collecting.reasons import text_of
from deployworkbook.teaching.collecting.report import as_csv, as_data, as_html, points_of
from deployworkbook.teaching.collecting.submission import MOST_KEPT, Handed, Submission
from tests.exercises.test_solutions import CELLS, KNOWN_IMPORTS, filled
from tests.teaching.collecting import attacks, forged

ISOLATION = isolation_here()
pytestmark = pytest.mark.skipif(ISOLATION == "none", reason="this system has no fork")


def own(module):
    return is_own_module(module) or module.startswith("deployworkbook.exercises")


def solution(name):
    """The answer of a learner who wrote the solution into the lesson's cell, as it is kept."""
    source, above = CELLS[name]
    known = [line for text in above for line in text.splitlines() if line in KNOWN_IMPORTS]
    text, file = "\n".join([*known, without_check(filled(name))]), f"<cell of {name}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    names = {"__name__": "__main__"}
    exec(compile(text, file, "exec"), names)  # noqa: S102
    return written(names[answer_name(source, name)])


def mistake(name, place):
    answer = EXERCISES[name].mistakes[place].answer
    if not callable(answer):
        return written(answer)
    program = program_of(answer, is_own=own)
    return {"code": program.code, "name": program.name}


def submission(number, pseudonym, answers):
    handed = {name: Handed(len(each), 0, each) for name, each in answers.items()}
    return Submission(pseudonym, f"{number:016x}", 1, "0.1.0", handed)


def write(folder, *submissions):
    for each in submissions:
        (folder / f"{each.pseudonym}.submission.json").write_text(each.text())


@pytest.fixture(scope="module")
def honest():
    """A learner who solved all, and one who made the first mistake of each exercise."""
    return (
        submission(1, "brave-otter", {name: [solution(name)] for name in EXERCISES}),
        submission(
            2, "calm-heron", {n: [mistake(n, 0)] for n, e in EXERCISES.items() if e.mistakes}
        ),
    )


@pytest.fixture(scope="module")
def judged(honest, tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    write(folder, *honest)
    return collect(folder, isolation=ISOLATION, seconds=30.0)


def test_the_solution_of_every_exercise_is_solved(judged):
    attempts = judged.learners[0].attempts
    assert {name for name, each in attempts.items() if each.is_solved} == set(EXERCISES)
    assert all((each.tries, each.unjudged) == (1, 0) for each in attempts.values())


def test_named_mistakes_are_recognised(judged):
    attempts = judged.learners[1].attempts
    for name, attempt in attempts.items():
        assert not attempt.is_solved
        assert attempt.mistakes == (EXERCISES[name].mistakes[0].text,)


def test_the_reports_say_the_same(judged):
    rows = {row.exercise: row for row in judged.rows()}
    assert list(rows) == list(EXERCISES)
    assert (rows["losses.mean"].solved, rows["losses.mean"].tried) == (1, 2)
    table = list(csv.DictReader(io.StringIO(as_csv(judged))))
    assert [row["learner"] for row in table] == ["brave-otter", "calm-heron"]
    assert table[0]["solved"] == str(len(EXERCISES))
    assert [row["losses.mean"] for row in table] == ["1", "0"]
    data = json.loads(json.dumps(as_data(judged)))
    assert len(data["mistakes"]) == len(points_of(judged)) == len(judged.learners[1].attempts)
    page = as_html(judged)
    assert EXERCISES["losses.mean"].mistakes[0].text.split(":")[0] in page
    assert "formative" in page
    assert "<script" not in page


def test_two_hundred_forged_or_damaged_submissions_solve_nothing_and_stop_nothing(tmp_path, honest):
    count = forged.write_all(tmp_path)
    assert count >= 200
    genuine = submission(5000, "calm-otter", {"losses.mean": [solution("losses.mean")]})
    (tmp_path / "zz.submission.json").write_text(genuine.text())
    children = {each.pid for each in psutil.Process().children(recursive=True)}
    found = collect(tmp_path, isolation=ISOLATION, seconds=1.0)
    solved = [each.pseudonym for each in found.learners if solves_any(each)]
    assert solved == ["calm-otter"]
    assert len(found.refused) + len(found.learners) == count + 1
    assert len(found.refused) >= 90
    assert sum(row.looked_up for row in found.rows()) == 2
    assert all(each.reason.endswith(".") for each in found.refused)
    assert not Path(attacks.TRACE).exists()
    assert {each.pid for each in psutil.Process().children(recursive=True)} <= children


def solves_any(learner):
    return any(each.is_solved for each in learner.attempts.values())


def test_the_most_frequent_mistake_comes_first_and_tries_are_those_judged(tmp_path):
    texts = [each.text for each in EXERCISES["losses.mean"].mistakes]
    wrong = [mistake("losses.mean", place) for place in range(3)]
    right = solution("losses.mean")
    answers = {
        "a": [wrong[1], right],
        "b": [wrong[1], wrong[1], wrong[0]],
        "c": [right],
        "d": [wrong[1], wrong[2], wrong[0], right],
    }
    write(
        tmp_path,
        *(submission(at, each, {"losses.mean": answers[each]}) for at, each in enumerate(answers)),
    )
    (row,) = collect(tmp_path, isolation=ISOLATION).rows()
    assert (row.solved, row.tried, row.unjudged) == (3, 4, 0)
    assert row.median_tries == statistics.median([2, 2, 1, 4])
    assert row.mistakes == ((texts[1], 3), (texts[0], 2), (texts[2], 1))


def test_the_last_submission_of_a_learner_counts(tmp_path):
    for number in (1, 2, 3):
        document = forged.honest(7, number=number)
        if number == 3:
            document["exercises"]["losses.mean"]["answers"] = []
        (tmp_path / f"{number}.submission.json").write_text(json.dumps(document))
    found = collect(tmp_path, isolation="none")
    (learner,) = found.learners
    assert set(learner.attempts) == {"losses.logits"}
    assert [each.file for each in found.refused] == ["1.submission.json", "2.submission.json"]


def test_files_in_folders_are_found_and_hidden_ones_left_alone(tmp_path):
    inner = tmp_path / "Li Wei_1234_file"
    inner.mkdir()
    (inner / "a.submission.json").write_text(json.dumps(forged.honest(1)))
    (tmp_path / ".b.submission.json.1.tmp").write_text("half")
    found = collect(tmp_path, isolation="none")
    assert [each.pseudonym for each in found.learners] == ["learner-1"]
    assert not found.refused


def test_without_isolation_no_function_is_called(tmp_path, monkeypatch):
    monkeypatch.setattr("deployworkbook.teaching.collecting.calling.Caller.call_together", None)
    (tmp_path / "a.submission.json").write_text(json.dumps(forged.honest(1)))
    attempts = collect(tmp_path, isolation="none").learners[0].attempts
    assert attempts["losses.logits"].is_solved
    assert not attempts["losses.mean"].is_solved
    assert (attempts["losses.mean"].unjudged, attempts["losses.mean"].tries) == (1, 1)
    assert attempts["losses.mean"].reasons == ((text_of("not called"), 1),)


def test_a_learner_who_takes_all_time_leaves_the_others_theirs(tmp_path, monkeypatch):
    monkeypatch.setattr("deployworkbook.teaching.collecting.batch.SUBMISSION_S", 0.3)
    loops = [{"code": f"while {n}: pass", "name": "f"} for n in range(1, MOST_KEPT + 1)]
    names = [name for name, exercise in EXERCISES.items() if exercise.cases][:5]
    write(
        tmp_path,
        submission(1, "a", dict.fromkeys(names, loops)),
        submission(2, "b", {"losses.mean": [dict(forged.RIGHT)]}),
    )
    begun = time.monotonic()
    slow, honest = collect(tmp_path, isolation=ISOLATION, seconds=1.0).learners
    assert time.monotonic() - begun < 60
    assert sum(each.unjudged for each in slow.attempts.values()) == 5 * MOST_KEPT
    whys = {text for each in slow.attempts.values() for text, _ in each.reasons}
    assert whys == {text_of("too late"), text_of("no time left")}
    assert solves_any(honest)


def test_the_command_prints_tables_and_writes_files(tmp_path, capsys):
    folder, page, sheet = tmp_path / "in", tmp_path / "page.html", tmp_path / "class.csv"
    folder.mkdir()
    write(folder, submission(1, "brave-otter", {"losses.logits": [mistake("losses.logits", 0)]}))
    (folder / "\x1b[2J[bold].txt").write_text("x")
    with pytest.raises(SystemExit) as ended:
        main(["teach", "collect", str(folder), "--csv", str(sheet), "--html", str(page)])
    assert not ended.value.code
    shown = " ".join(capsys.readouterr().out.split())
    assert "Discuss next" in shown
    assert (
        "02 Exercise 2 losses.logits 1/1 You have mistaken the logits for probabilities." in shown
    )
    assert "Submissions judged: 1. Files not used: 1." in shown
    assert "formative" in shown
    assert "\x1b[2J" not in shown
    assert "[bold].txt" in shown
    assert sheet.read_text().startswith(
        "learner,solved,tried,tries,tries stated,not judged,why,losses.logits\n"
    )
    assert "logits for probabilities" in page.read_text()


def test_a_missing_or_empty_folder_is_said(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["teach", "collect", str(tmp_path / "typo")])
    assert ended.value.code == 1
    assert "There is no folder" in capsys.readouterr().err
    (tmp_path / ".hidden").touch()
    with pytest.raises(SystemExit):
        main(["teach", "collect", str(tmp_path)])
    assert "deployworkbook submit" in capsys.readouterr().err
