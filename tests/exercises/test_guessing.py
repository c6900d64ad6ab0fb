"""Guesses before answers."""

from html import escape

import pytest
from IPython.core.formatters import DisplayFormatter

from deployworkbook.exercises.declaration import GuessQuestion
from deployworkbook.exercises.guessing import LIVE, predict
from deployworkbook.exercises.progress import guess_made, summary
from deployworkbook.exercises.registry import PREDICTIONS
from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.plots.losses import losses_by_probability
from deployworkbook.plots.tables import text_table
from deployworkbook.widgets.losses import loss_explorer
from deployworkbook.workspace.folder import RUN_VARIABLE, current_workspace


def forms(thing):
    return DisplayFormatter().format(thing)[0]


def test_content_opens_with_the_guess():
    guess, explorer = predict("losses.push"), loss_explorer()
    closed = guess.opens(explorer)
    assert explorer.widget not in closed._place.children
    guess.lock("about as hard")
    assert closed._place.children == (explorer.widget,)
    assert guess.verdict.startswith(
        "You guessed “about as hard”. The answer: “practically not at all”. "
    )
    assert guess._choices.disabled


def test_a_table_opens_like_an_explorer():
    guess, table = predict("losses.push"), text_table([["int8", "97 %"]], ["file", "accuracy"])
    closed = guess.opens(table)
    assert "97 %" not in closed._place.children[0].value
    assert "97 %" in forms(closed)["text/html"]
    guess.lock("about as hard")
    assert "97 %" in closed._place.children[0].value


def test_the_first_guess_counts_even_after_a_restart():
    predict("losses.push").lock("about half as hard")
    again = predict("losses.push")
    assert again.made == "about half as hard"
    again.lock("practically not at all")
    assert again.made == guess_made("losses.push") == "about half as hard"
    explorer = loss_explorer()
    assert again.opens(explorer)._place.children == (explorer.widget,)


def test_a_right_guess_is_confirmed():
    guess = predict("losses.push")
    guess.lock("practically not at all")
    assert guess.verdict.startswith("You guessed “practically not at all”, and that's right.")


@pytest.mark.parametrize("prediction", PREDICTIONS.values(), ids=lambda p: p.id)
def test_a_verdict_quotes_guess_and_answer_apart_from_its_own_words(prediction):
    wrong = next(choice for choice in prediction.choices if choice != prediction.answer)
    guess = predict(prediction.id)
    guess.lock(wrong)
    assert guess.verdict == (
        f"You guessed “{wrong}”. The answer: “{prediction.answer}”. {prediction.reason}"
    )


def test_the_button_waits_for_a_choice_and_locks_it():
    guess = predict("descent.fewer_steps")
    assert guess._choices.value is None
    assert guess._button.disabled
    guess._choices.value = "momentum"
    assert not guess._button.disabled
    guess._button.click()
    assert guess.made == "momentum"
    assert guess._button.disabled


def test_without_a_kernel_everything_is_shown_and_no_guess_is_made():
    guess = predict("losses.push")
    question, content = forms(guess), forms(guess.opens(loss_explorer()))
    assert {LIVE, "text/html", "text/plain"} <= set(question)
    assert "How hard does the squared error push?" in question["text/html"]
    assert {LIVE, "text/html", "image/png", "text/plain"} <= set(content)
    assert "<img alt=" in content["text/html"]
    assert guess_made("losses.push") is None


def test_without_a_guess_a_page_folds_the_answer_and_what_it_opens():
    guess = predict("losses.push")
    closed = guess.opens(loss_explorer())
    asked, fold, answer = forms(guess)["text/html"].partition("<details>")
    assert fold
    assert escape(guess.prediction.question) in asked
    assert escape(guess.prediction.reason) in answer
    assert guess.prediction.reason not in forms(guess)["text/plain"]
    assert forms(closed)["text/html"].startswith("<details>")
    guess.lock("about as hard")
    assert "<details>" not in forms(guess)["text/html"] + forms(closed)["text/html"]


def test_in_a_headless_run_content_is_open_and_no_guess_is_made(monkeypatch):
    monkeypatch.setenv(RUN_VARIABLE, "1")
    guess, explorer = predict("losses.push"), loss_explorer()
    assert guess.opens(explorer)._place.children == (explorer.widget,)
    assert guess_made("losses.push") is None


def test_guesses_are_counted_by_lesson():
    predict("losses.push").lock("about as hard")
    rows = {row.lesson: row.guesses for row in summary(current_workspace())}
    assert rows["02_loss_functions"] == 1
    assert rows["03_gradient_descent"] == 0


def test_a_guess_outside_the_choices_is_refused():
    with pytest.raises(ValueError, match="about as hard"):
        predict("losses.push").lock("neither")


def test_an_unknown_prediction_suggests_the_closest():
    with pytest.raises(ValueError, match=r"losses\.push"):
        predict("losses.pull")


def test_an_answer_outside_the_choices_is_refused():
    with pytest.raises(ValueError, match="'a', 'b'"):
        GuessQuestion("a.b", "Which?", ("a", "b"), "c", "Because.")


def test_every_prediction_is_asked_in_its_lesson():
    lessons = {lesson.name: lesson.path.read_text() for lesson in catalogue()}
    for prediction in PREDICTIONS.values():
        assert f'predict(\\"{prediction.id}\\")' in lessons[prediction.lesson]


def test_a_picture_opens_with_the_guess():
    guess = predict("losses.push")
    picture = losses_by_probability([0.1, 1.0], {"surprise": [2.3, 0.0]})
    closed = guess.opens(picture)
    assert picture.alt not in closed._place.children[0].value
    guess.lock("about as hard")
    assert picture.alt in closed._place.children[0].value
    assert {LIVE, "text/html", "image/png"} <= set(forms(closed))
