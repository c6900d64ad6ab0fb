"""Explorers that are made once, and the extreme values of their controls."""

import functools

from deployworkbook.widgets.controls import Choice, Stops


def ends_of(control):
    """Return both ends of a slider, or all options of a list."""
    if isinstance(control, Choice):
        return control.options
    if isinstance(control, Stops):
        return control.options[0], control.options[-1]
    return control.low, control.high


@functools.cache
def _made(make):
    return make()


def made_once(make):
    """Make an explorer at the first call; give it with its controls at their initial values.

    Most of the time goes into making one, and a learner moves the same one for long, too.
    """

    @functools.wraps(make)
    def give():
        explorer = _made(make)
        initial = {name: control.value for name, control in explorer.controls.items()}
        if explorer.values != initial:
            explorer.reset()
        return explorer

    return give
