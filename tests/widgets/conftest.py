"""What the widgets' tests share."""

import pytest

from deployworkbook.plots.view import View


@pytest.fixture(autouse=True)
def _undrawn(request, monkeypatch):
    """Leave out the drawing, which takes most of the time, where a test reads figures and words.

    Artists are moved all the same, and a picture that a test asks for is drawn then. Tests that
    use ``drawn`` draw as a learner's kernel does: ``test_explorer`` so moves each control of every
    explorer.
    """
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr(View, "draw", _update)


@pytest.fixture
def drawn():
    """Ask for pictures that are drawn."""


def _update(view, result):
    view.update(result)
    view._encoder = None  # what stands still is drawn when a picture is asked for
    view.picture.alt = view.describe(result)
    return []
