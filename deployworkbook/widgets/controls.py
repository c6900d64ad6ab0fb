"""The controls of an explorer, declared as values and made into widgets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import ipywidgets

from deployworkbook.validation import check_choice, check_number, describe, message

LAYOUT = {"width": "26rem", "max_width": "98%"}
STYLE = {"description_width": "10rem"}


class Control(Protocol):
    """What an explorer asks of a control."""

    @property
    def name(self) -> str:
        """The argument that its value becomes."""

    @property
    def value(self) -> Any:
        """Where it begins."""

    @property
    def ends(self) -> Sequence[Any]:
        """Its extreme values, or all where it has no order."""

    def check(self, value: Any) -> Any:
        """Return a value that it can take.

        Raises:
            TypeError: It is of another type.
            ValueError: It is out of range.
        """

    def widget(self) -> Any:
        """Make the widget."""


@dataclass(frozen=True)
class Slider:
    """A number in a range.

    Args:
        name: The argument that its value becomes.
        label: What a learner reads.
        low: The left end.
        high: The right end.
        step: How far one press of an arrow key goes; whole numbers throughout give whole values.
        value: Where it begins.
        unit: Of the value; shown with the label.
    """

    name: str
    label: str
    low: float
    high: float
    step: float
    value: float
    unit: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends."""
        return self.low, self.high

    @property
    def is_whole(self) -> bool:
        """Whether it moves in whole numbers."""
        return all(isinstance(each, int) for each in (self.low, self.high, self.step, self.value))

    def check(self, value: Any) -> float:
        """Return a number between the ends."""
        number = check_number(self.name, value, self.low, self.high)
        if not self.is_whole:
            return number
        if number != int(number):
            expected = "a whole number"
            raise ValueError(message(self.name, received=describe(value), expected=expected))
        return int(number)

    def widget(self) -> Any:
        """Make a slider with a readout."""
        kind = ipywidgets.IntSlider if self.is_whole else ipywidgets.FloatSlider
        more = {} if self.is_whole else {"readout_format": f".{_decimals(self.step)}f"}
        return kind(
            value=self.value,
            min=self.low,
            max=self.high,
            step=self.step,
            description=_labelled(self.label, self.unit),
            layout=LAYOUT,
            style=STYLE,
            **more,
        )


@dataclass(frozen=True)
class LogSlider:
    """A positive number on a logarithmic scale.

    Args:
        name: The argument that its value becomes.
        label: What a learner reads.
        low: The left end, above 0.
        high: The right end.
        steps_per_decade: Presses of an arrow key from a value to ten times it.
        value: Where it begins.
        unit: Of the value; shown with the label.
    """

    name: str
    label: str
    low: float
    high: float
    steps_per_decade: int
    value: float
    unit: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends."""
        return self.low, self.high

    def check(self, value: Any) -> float:
        """Return a number between the ends."""
        return check_number(self.name, value, self.low, self.high)

    def widget(self) -> Any:
        """Make a slider with a readout."""
        return ipywidgets.FloatLogSlider(
            value=self.value,
            base=10,
            min=math.log10(self.low),
            max=math.log10(self.high),
            step=1 / self.steps_per_decade,
            readout_format=".3g",
            description=_labelled(self.label, self.unit),
            layout=LAYOUT,
            style=STYLE,
        )


@dataclass(frozen=True)
class Stops:
    """One of a few numbers, in order.

    Args:
        name: The argument that its value becomes.
        label: What a learner reads.
        options: The numbers; one press of an arrow key goes to the next.
        value: The one that it begins with.
        unit: Of the value; shown with the label.
    """

    name: str
    label: str
    options: tuple[int, ...]
    value: int
    unit: str = ""

    @property
    def ends(self) -> tuple[int, int]:
        """Both ends."""
        return self.options[0], self.options[-1]

    def check(self, value: Any) -> int:
        """Return one of the numbers."""
        return check_choice(self.name, value, self.options)

    def widget(self) -> Any:
        """Make a slider with a readout."""
        return ipywidgets.SelectionSlider(
            options=list(self.options),
            value=self.value,
            description=_labelled(self.label, self.unit),
            layout=LAYOUT,
            style=STYLE,
        )


@dataclass(frozen=True)
class Choice:
    """One of a few words.

    Args:
        name: The argument that its value becomes.
        label: What a learner reads.
        options: The words.
        value: The one that it begins with.
    """

    name: str
    label: str
    options: tuple[str, ...]
    value: str

    @property
    def ends(self) -> tuple[str, ...]:
        """All of them."""
        return self.options

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


def _decimals(step: float) -> int:
    """How many decimals a readout needs to show each step."""
    return max(0, -math.floor(math.log10(step) + 1e-9))
