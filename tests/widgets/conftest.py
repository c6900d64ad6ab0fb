"""What the widgets' tests share."""

import pytest


@pytest.fixture(autouse=True)
def _undrawn_unless_asked(request):
    """Leave out the drawing where a test reads figures and words.

    Tests that use ``drawn`` draw as a learner's kernel does: ``test_explorer`` so moves each
    control of every explorer.
    """
    if "drawn" not in request.fixturenames:
        request.getfixturevalue("undrawn")


@pytest.fixture
def drawn():
    """Ask for pictures that are drawn."""
