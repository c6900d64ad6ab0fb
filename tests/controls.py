"""The extreme values of an explorer's controls."""

from deployworkbook.widgets.controls import Choice, Stops


def ends_of(control):
    """Return both ends of a slider, or all options of a list."""
    if isinstance(control, Choice):
        return control.options
    if isinstance(control, Stops):
        return control.options[0], control.options[-1]
    return control.low, control.high
