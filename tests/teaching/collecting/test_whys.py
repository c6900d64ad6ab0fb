"""What a teacher reads of answers that weren't judged or that no hint explains."""

import json

import pytest

from deployworkbook.cli import main
from deployworkbook.teaching.collecting.batch import collect
from deployworkbook.teaching.collecting.calling import isolation_here
from deployworkbook.teaching.collecting.reasons import text_of
from deployworkbook.teaching.collecting.report import as_csv, as_data, as_html, others_of
from deployworkbook.teaching.collecting.results import MOST_OTHERS
from deployworkbook.teaching.collecting.wrong import LONGEST
from tests.teaching.collecting import forged

ISOLATION = isolation_here()
pytestmark = pytest.mark.skipif(ISOLATION == "none", reason="this system has no fork")

BODIES = {
    "not allowed": "open('notes.txt')",
    "no module": "import wave",
    "failed": "1 / 0",
    "no value": "pass",
    "no numbers": "return 'four'",
    "looked up": "from deployworkbook.exercises import registry",
}


def save(folder, document, name=None):
    file = folder / f"{name or document['pseudonym']}.submission.json"
    file.write_text(json.dumps(document))


def value(number):
    return {"shape": [], "values": [number]}


def test_every_reason_is_given_wherever_answers_are_counted(tmp_path, monkeypatch, capsys):
    answers = [{"code": f"def f(a, b):\n    {each}", "name": "f"} for each in BODIES.values()]
    save(tmp_path, forged.with_answers(1, "losses.mean", *answers, lost=1))
    found = collect(tmp_path, isolation=ISOLATION, seconds=10.0)
    (row,) = found.rows()
    texts = {text_of(each) for each in (*BODIES, "lost")}
    assert dict(row.reasons) == dict.fromkeys(texts, 1)
    assert (row.unjudged, row.median_tries) == (7, 7)
    page, sheet = as_html(found), as_csv(found)
    assert set(as_data(found)["exercises"][0]["why_unjudged"]) == texts
    assert text_of("failed") in page
    assert all(text in sheet for text in texts)
    monkeypatch.setattr("deployworkbook.teaching.collecting.batch.collect", lambda *_, **__: found)
    with pytest.raises(SystemExit):
        main(["teach", "collect", str(tmp_path)])
    shown = " ".join(capsys.readouterr().out.split())
    assert "02 Exercise 1 losses.mean 0 1 7 7" in shown
    assert text_of("failed") in shown


def test_wrong_answers_without_a_hint_are_listed_most_frequent_first(tmp_path, capsys):
    for number, wrong in enumerate([2368, 5, 2368, 6, 7]):
        save(tmp_path, forged.with_answers(number, "losses.logits", value(wrong)))
    found = collect(tmp_path, isolation=ISOLATION)
    points = others_of(found)
    assert len(points) == MOST_OTHERS
    assert (points[0].text, points[0].learners) == ("2368, which no hint explains.", 2)
    assert points[0].text in as_html(found)
    assert as_data(found)["other_wrong_answers"][0]["text"] == points[0].text
    with pytest.raises(SystemExit):
        main(["teach", "collect", str(tmp_path)])
    assert "losses.logits 2/5 2368, which no hint" in " ".join(capsys.readouterr().out.split())


def test_a_rounded_answer_and_a_long_one_are_said_on_one_short_line(tmp_path):
    long = {"shape": [40, 50], "values": [1.5] * 2000}
    save(tmp_path, forged.with_answers(1, "losses.logits", value(1.1), long))
    save(tmp_path, forged.with_answers(2, "losses.mean", {"code": "f = max", "name": "f"}))
    save(tmp_path, forged.with_answers(3, "losses.mean", {"code": "f = lambda *_: 3", "name": "f"}))
    texts = [each.text for each in others_of(collect(tmp_path, isolation=ISOLATION))]
    assert "1.1: close to the right answer, perhaps rounded." in texts
    assert any(each.startswith("3 for targets = [") for each in texts)
    assert all(len(each) < 3 * LONGEST and "\n" not in each for each in texts)


def test_a_copy_under_another_name_does_not_replace_the_honest_file(tmp_path):
    document = forged.honest(1, pseudonym="swift-owl")
    for name in ("forged", "swift-owl", "zz"):
        save(tmp_path, document, name)
    found = collect(tmp_path, isolation="none")
    assert [each.pseudonym for each in found.learners] == ["swift-owl"]
    assert {each.file for each in found.refused} == {
        f"{n}.submission.json" for n in ("forged", "zz")
    }
    assert {each.reason for each in found.refused} == {"It is a copy of swift-owl.submission.json."}


def test_a_damaged_file_says_whom_to_ask_for_it_again(tmp_path):
    whole = json.dumps(forged.honest(1))
    (tmp_path / "swift-owl.submission.json").write_text(whole[:80])
    (tmp_path / "Swift (1).submission.json").write_text("")
    reasons = {each.file[:5]: each.reason for each in collect(tmp_path, isolation="none").refused}
    assert reasons["swift"].endswith("By its name it is from swift-owl: ask for it again.")
    assert reasons["Swift"] == "It is empty. Ask for it again."
