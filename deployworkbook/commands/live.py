"""A part of the terminal that is kept up to date while long work goes on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table


class LiveDisplay(ABC):
    """A table that is drawn again four times a second, where the output is a terminal.

    Args:
        console: Where to.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live = Live(get_renderable=self.render, console=console, refresh_per_second=4)

    @abstractmethod
    def render(self) -> Table:
        """Draw the table as it is now."""

    def start(self) -> None:
        """Begin to draw, unless it has begun or the output is no terminal."""
        if self.console.is_terminal and not self._live.is_started:
            self._live.start()

    def say(self, text: str) -> None:
        """Print a line; in a terminal it stays above the table."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live.is_started:
            self._live.stop()
