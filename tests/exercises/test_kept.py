"""Answers kept in a learner's folder."""

import json
import stat
import sys

import numpy as np

from deployworkbook.exercises import check
from deployworkbook.exercises.kept import (
    MOST_BYTES,
    MOST_KEPT,
    keep,
    kept_answers,
    written,
)
from deployworkbook.workspace.folder import current_workspace


def mean(targets, predictions):
    return np.mean((targets - predictions) ** 2)


def root(targets, predictions):
    return np.sqrt(np.mean((targets - predictions) ** 2))


def made_of_text(text):
    return eval(text)  # noqa: S307


def test_a_check_keeps_the_answer_once_for_its_owner_only(home, capsys):
    for answer in (root, mean, root, lambda *_: ..., "text"):
        check("losses.mean", answer)
    first, second = kept_answers()["losses.mean"]
    assert (first["name"], first["right"]) == ("root", False)
    assert (second["name"], second["right"]) == ("mean", True)
    assert "np.sqrt" in first["code"]
    if sys.platform != "win32":
        path = current_workspace().records / "answers.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_cell_is_kept_with_what_it_uses_from_cells_above(home, shell, capsys):
    for cell in (
        "import numpy as np\nfrom deployworkbook.exercises import check",
        "SCALE = 2.0\n\ndef halved(values):\n    return values * SCALE / 4",
        "def mean(targets, predictions):\n    return np.mean(halved(targets - predictions) ** 2)",
        "check('losses.mean', mean)",
    ):
        assert shell.run_cell(cell, store_history=True).success
    (entry,) = kept_answers()["losses.mean"]
    for line in ("import numpy as np", "SCALE = 2.0", "def halved(values):", "def mean("):
        assert line in entry["code"]


def test_a_value_is_kept_as_numbers(home, capsys):
    check("losses.logits", 1.25)
    (entry,) = kept_answers()["losses.logits"]
    assert (entry["shape"], entry["values"]) == ([], [1.25])


def test_wrong_answers_make_room_and_the_right_one_stays(home):
    keep("losses.logits", 0.0, answer_key="right", is_right=True)
    for number in range(2 * MOST_KEPT):
        keep("losses.logits", number, answer_key=str(number), is_right=False)
    kept = kept_answers()["losses.logits"]
    assert len(kept) == MOST_KEPT
    assert [entry["key"] for entry in kept[:1] + kept[-1:]] == ["right", "39"]
    for number in range(10):
        keep("losses.logits", np.ones(2000), answer_key=f"long {number}", is_right=False)
    assert len(json.dumps(kept_answers()["losses.logits"])) <= MOST_BYTES


def test_an_answer_without_source_is_replaced_by_one_with_source(home):
    keep("losses.mean", made_of_text("lambda a, b: 1"), answer_key="same", is_right=False)
    assert "lost" in kept_answers()["losses.mean"][0]
    keep("losses.mean", mean, answer_key="same", is_right=False)
    (entry,) = kept_answers()["losses.mean"]
    assert entry["name"] == "mean"


class Odd:
    """A callable that refuses to be looked at."""

    def __call__(self):
        return 1

    def __getattr__(self, name):
        raise RuntimeError(name)


def test_odd_answers_are_lost_without_an_error():
    for answer in (Odd(), Odd, np.zeros(5000), object(), "text", {}):
        assert set(written(answer)) <= {"lost", "code", "name"}
