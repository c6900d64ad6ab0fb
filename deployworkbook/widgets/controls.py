"""The controls of an explorer, declared as values that make widgets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import ipywidgets

from deployworkbook.validation import check_choice, check_number, describe, value_error
from deployworkbook.widgets.stepping import decimals_of, even_steps, labelled, preferred_numbers

# Readouts and their values, in order.
Options = list[tuple[str, float]]

LAYOUT = {"width": "26rem", "max_width": "98%"}
STYLE = {"description_width": "10rem"}


class Control(ABC):
    """What an explorer asks of a control.

    Args:
        name: Name of the argument for its value.
        label: Label that the learner reads.
        value: Initial value.
    """

    name: str
    label: str
    value: Any

    @abstractmethod
    def check(self, value: Any) -> Any:
        """Return the value if the control can take it.

        Raises:
            TypeError: It has the wrong type.
            ValueError: It is out of range.
        """

    @abstractmethod
    def widget(self) -> Any:
        """Make the widget."""

    def move(self, widget: Any, value: Any) -> None:
        """Move its widget to a value that it can take."""
        widget.value = value


class _Steps(Control):
    """A number between two ends, on a slider that stops at steps.

    A value between two steps becomes a step of its own.
    """

    low: float
    high: float
    unit: str

    def check(self, value: Any) -> float:
        """Return a number between the ends."""
        return check_number(self.name, value, self.low, self.high)

    def widget(self) -> Any:
        """Make a slider with a readout."""
        options = self._options(self.value)
        value = next(step for _, step in options if step == self.value)
        return _steps_widget(options, value, _labelled(self.label, self.unit))

    def move(self, widget: Any, value: float) -> None:
        """Move a slider; a value between two steps becomes a step."""
        if value in (step for _, step in widget.options):
            widget.value = value
            return
        # In one message, because new steps alone would move the handle to the first one.
        with widget.hold_sync():
            widget.options = self._options(value)
            widget.value = value

    @abstractmethod
    def _options(self, value: float) -> Options:
        """Return the steps with their readouts, this value and the initial one among them."""


@dataclass(frozen=True)
class Slider(_Steps):
    """A number in a range.

    Args:
        name: Name of the argument for its value.
        label: Label that the learner reads.
        low: The left end.
        high: The right end.
        step: Step per press of an arrow key; if all numbers are whole, so are the values.
        value: Initial value.
        unit: Unit of the value, shown with the label.
    """

    name: str
    label: str
    low: float
    high: float
    step: float
    value: float
    unit: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether it moves in whole numbers."""
        return all(isinstance(each, int) for each in (self.low, self.high, self.step, self.value))

    def check(self, value: Any) -> float:
        """Return a number between the ends."""
        number = super().check(value)
        if not self.is_whole:
            return number
        if number != int(number):
            raise value_error(self.name, received=describe(value), expected="a whole number")
        return int(number)

    def widget(self) -> Any:
        """Make a slider with a readout."""
        if not (self.is_whole and self.step == 1):
            return super().widget()
        # Every whole number is a step, and can also be typed.
        return ipywidgets.IntSlider(
            value=self.value,
            min=self.low,
            max=self.high,
            description=_labelled(self.label, self.unit),
            layout=LAYOUT,
            style=STYLE,
        )

    def move(self, widget: Any, value: float) -> None:
        """Move a slider; a value between two steps becomes a step."""
        if isinstance(widget, ipywidgets.IntSlider):
            widget.value = value
        else:
            super().move(widget, value)

    def _options(self, value: float) -> Options:
        steps = even_steps(self.low, self.high, self.step)
        if self.is_whole:
            return labelled(map(int, steps), self.value, value, decimals=0)
        decimals = decimals_of(self.low, self.step)
        return labelled(steps, float(self.value), value, decimals=decimals)


@dataclass(frozen=True)
class LogSlider(_Steps):
    """A positive number on a logarithmic scale, at round values.

    Args:
        name: Name of the argument for its value.
        label: Label that the learner reads.
        low: The left end, above 0.
        high: The right end.
        steps_per_decade: Presses of an arrow key from a value to ten times it: 5, 10, 20 or 40. It
            stops at preferred numbers (1.0, 1.12, 1.25, 1.4, ...) and at the values it is given.
        value: Initial value.
        unit: Unit of the value, shown with the label.
    """

    name: str
    label: str
    low: float
    high: float
    steps_per_decade: int
    value: float
    unit: str = ""

    def _options(self, value: float) -> Options:
        steps = preferred_numbers(self.low, self.high, self.steps_per_decade)
        return labelled(steps, float(self.value), value)


@dataclass(frozen=True)
class Stops(Control):
    """One of a few numbers, in order.

    Args:
        name: Name of the argument for its value.
        label: Label that the learner reads.
        options: Numbers in order; an arrow key moves to the next one.
        value: Initial value.
        unit: Unit of the value, shown with the label.
    """

    name: str
    label: str
    options: tuple[int, ...]
    value: int
    unit: str = ""

    def check(self, value: Any) -> int:
        """Return one of the numbers."""
        return check_choice(self.name, value, self.options)

    def widget(self) -> Any:
        """Make a slider with a readout."""
        options: Options = [(f"{option:,}", option) for option in self.options]
        return _steps_widget(options, self.value, _labelled(self.label, self.unit))


@dataclass(frozen=True)
class Choice(Control):
    """One of a few words.

    Args:
        name: Name of the argument for its value.
        label: Label that the learner reads.
        options: Words to choose from.
        value: Initial value.
    """

    name: str
    label: str
    options: tuple[str, ...]
    value: str

    def check(self, value: Any) -> str:
        """Return one of the options."""
        return check_choice(self.name, value, self.options)

    def widget(self) -> Any:
        """Make a list to choose from."""
        return ipywidgets.Dropdown(
            options=list(self.options),
            value=self.value,
            description=self.label,
            layout=LAYOUT,
            style=STYLE,
        )


def _labelled(label: str, unit: str) -> str:
    return f"{label} ({unit})" if unit else label


def _steps_widget(options: Options, value: float, description: str) -> Any:
    """Make a slider whose steps are values, each with its readout."""
    return ipywidgets.SelectionSlider(
        options=options, value=value, description=description, layout=LAYOUT, style=STYLE
    )
