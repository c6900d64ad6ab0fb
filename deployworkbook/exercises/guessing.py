"""Guesses before answers: content that opens once the guess is locked.

In a notebook, one cell asks and the next holds what the answer needs::

    guess = predict("losses.push")
    guess

    guess.opens(loss_explorer())

In a headless run, or without a kernel, nobody guesses: pages fold the answer and what it needs.
"""

from __future__ import annotations

import os
from functools import cached_property
from html import escape
from typing import Any

import ipywidgets
from IPython.core.formatters import DisplayFormatter

from deployworkbook.exercises.declaration import GuessQuestion
from deployworkbook.exercises.folding import fold_html
from deployworkbook.exercises.progress import guess_made, record_guess
from deployworkbook.exercises.registry import PREDICTIONS
from deployworkbook.validation import check_choice
from deployworkbook.workspace.folder import RUN_VARIABLE

LIVE = "application/vnd.jupyter.widget-view+json"


class Guess:
    """A learner's guess, and the content that stays closed until then.

    Args:
        prediction: Question to guess.
    """

    def __init__(self, prediction: GuessQuestion) -> None:
        self.prediction = prediction
        self.made = guess_made(prediction.id)
        self._closed: list[_Closed] = []
        self._verdict = ipywidgets.HTML()
        self._choices = ipywidgets.RadioButtons(
            options=list(prediction.choices), value=self.made, layout={"width": "max-content"}
        )
        self._button = ipywidgets.Button(
            description="Lock my guess", disabled=True, tooltip="A guess cannot be changed later"
        )
        self._choices.observe(self._on_choice, names="value")
        self._button.on_click(lambda _: self.lock(self._choices.value))
        question = ipywidgets.HTML(f"<b>{escape(prediction.question)}</b>")
        self.widget = ipywidgets.VBox([question, self._choices, self._button, self._verdict])
        if self.made is not None:
            self._open()

    def lock(self, choice: str) -> None:
        """Record a guess, and open the closed content. Only the first guess counts.

        Args:
            choice: One of the prediction's choices.

        Raises:
            ValueError: It is not one of the choices.
        """
        check_choice("guess", choice, self.prediction.choices)
        self.made = record_guess(self.prediction.id, choice)
        self._open()

    def opens(self, content: Any) -> _Closed:
        """Keep content closed until the guess is locked.

        Args:
            content: Explorer or another object with a ``widget``, or a picture.
        """
        closed = _Closed(self, content)
        self._closed.append(closed)
        if self.made is not None:
            self._open()
        elif os.environ.get(RUN_VARIABLE):
            closed.open()
        return closed

    @property
    def verdict(self) -> str:
        """Feedback on the guess; empty before it is made."""
        if self.made is None:
            return ""
        answer, reason = self.prediction.answer, self.prediction.reason
        if self.made == answer:
            return f"You guessed “{self.made}”, and that's right. {reason}"
        return f"You guessed “{self.made}”. The answer: “{answer}”. {reason}"

    def _on_choice(self, change: dict[str, Any]) -> None:
        self._button.disabled = change["new"] is None or self.made is not None

    def _open(self) -> None:
        self._choices.value = self.made
        self._choices.disabled = True
        self._button.disabled = True
        self._verdict.value = escape(self.verdict)
        for closed in self._closed:
            closed.open()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Return the live question, and its text with a folded answer for use without a kernel."""
        said = self.verdict or "No guess was made in this run."
        shown = f"<p>{escape(said)}</p>"
        question = self.prediction.question
        if self.made is None:
            answer = f"<p><b>{escape(self.prediction.answer)}</b></p>"
            shown = fold_html("Answer", f"{answer}<p>{escape(self.prediction.reason)}</p>")
        choices = "; ".join(self.prediction.choices) + "."
        asked = f"<p><b>{escape(question)}</b> {escape(choices)}</p>"
        live: dict[str, Any] = self.widget._repr_mimebundle_()
        return live | {
            "text/html": f"{asked}{shown}",
            "text/plain": f"{question} {choices}\n{said}",
        }


class _Closed:
    """Content that opens with a guess; a page without a kernel folds it until there is one."""

    def __init__(self, guess: Guess, content: Any) -> None:
        self._guess = guess
        self._content = content
        self._place = ipywidgets.VBox(
            [ipywidgets.HTML("<i>This opens once you lock your guess above.</i>")]
        )

    def open(self) -> None:
        """Show the content's widget; for one without, such as a picture, one with its HTML."""
        widget = getattr(self._content, "widget", None)
        self._place.children = (widget or ipywidgets.HTML(self._still["text/html"]),)

    @cached_property
    def _still(self) -> dict[str, Any]:
        """The forms of content that doesn't move: drawing a picture takes most of a second."""
        bundle: dict[str, Any] = DisplayFormatter().format(self._content)[0]
        return bundle

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        moves = hasattr(self._content, "widget")
        bundle = DisplayFormatter().format(self._content)[0] if moves else dict(self._still)
        if self._guess.made is None:
            bundle["text/html"] = fold_html("Open this after your guess", bundle["text/html"])
        live: dict[str, Any] = self._place._repr_mimebundle_()
        return bundle | {LIVE: live[LIVE]}


def predict(prediction_id: str) -> Guess:
    """Ask a learner to guess.

    Args:
        prediction_id: Name of the prediction.

    Raises:
        ValueError: There is no such prediction.

    >>> predict("losses.push").prediction.answer
    'practically not at all'
    """
    return Guess(PREDICTIONS[check_choice("prediction", prediction_id, PREDICTIONS)])
