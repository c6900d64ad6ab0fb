"""A live display in the terminal for long-running work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table


def print_plain(console: Console, text: str) -> None:
    """Print a text as it is, without markup, highlighting or hard line breaks."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


class LiveDisplay(ABC):
    """A table that is redrawn four times per second if the output is a terminal.

    Args:
        console: The console to draw on.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live = Live(get_renderable=self.render, console=console, refresh_per_second=4)

    @abstractmethod
    def render(self) -> Table:
        """Return the table in its current state."""

    def start(self) -> None:
        """Start drawing, unless already started or the output is not a terminal."""
        if self.console.is_terminal and not self._live.is_started:
            self._live.start()

    def say(self, text: str) -> None:
        """Print a line, which stays above the table in a terminal."""
        print_plain(self.console, text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live.is_started:
            self._live.stop()
