"""A sweep in the terminal, from options to a table: what the command ``sweep`` does."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from deployworkbook.compression.grid import Point, Result, as_table, best_of, grid
from deployworkbook.compression.sweep import sweep
from deployworkbook.headless import STOPPED
from deployworkbook.validation import message
from deployworkbook.workspace import Workspace, check_writable, full_path, write_atomically

T = TypeVar("T", int, float)

COLOURS = {"found": "green", "measured": "green", "failed": "red", "failed again": "yellow"}

# What a program calls the columns that have a unit.
NAMES = {
    "zipped (bytes)": "compressed_bytes",
    "accuracy (%)": "accuracy_percent",
    "p50 (ms)": "latency_p50_ms",
}


def run_sweep(
    *,
    bits: str,
    sparsity: str,
    temperature: str,
    workspace: Workspace,
    json_file: Path | None = None,
    **settings: Any,
) -> int:
    """Run a sweep and tell in the terminal how it goes.

    Args:
        bits: Whole numbers with commas between.
        sparsity: Numbers with commas between.
        temperature: Numbers with commas between.
        workspace: Whose ledger and models.
        json_file: Where to write the results.
        settings: As ``sweep`` takes them.

    Returns:
        What the command exits with: 0 if all points are measured, 130 if it was stopped, else 1.

    Raises:
        TypeError: A value is of another type.
        ValueError: A value is out of range, or no number.
    """
    if json_file:
        check_writable(json_file)
    points = grid(
        bits=numbers("--bits", bits, int),
        sparsity=numbers("--sparsity", sparsity, float),
        temperature=numbers("--temperature", temperature, float),
    )
    console = Console()
    with Progress(points, console) as progress:
        results = sweep(
            points,
            workspace=workspace,
            on_result=progress.update,
            notice=progress.say,
            **settings,
        )
    print_results(results, console)
    if json_file:
        write_atomically(full_path(json_file), as_json(results))
    if any(result.status == "stopped" for result in results):
        return STOPPED
    return 1 if any(result.status == "failed" for result in results) else 0


def numbers(name: str, text: str, kind: Callable[[str], T]) -> list[T]:
    """Read numbers with commas between.

    Args:
        name: Of the option.
        text: What was given.
        kind: ``int`` or ``float``.

    Raises:
        ValueError: A part is no such number.

    >>> numbers("--sparsity", "0.9, 0.95", float)
    [0.9, 0.95]
    """
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        wanted = "whole numbers" if kind is int else "numbers"
        expected = f"{wanted} with commas between"
        raise ValueError(message(name, received=repr(text), expected=expected)) from None


class Progress:
    """How many points are done, run and have failed, and the best so far.

    Where the output is no terminal, a line is printed as each ends.

    Args:
        points: Of the sweep.
        console: Where to.
    """

    def __init__(self, points: Sequence[Point], console: Console) -> None:
        self.console = console
        self._results: dict[Point, Result | None] = dict.fromkeys(points)
        self._started: dict[Point, float] = {}
        self._live = Live(get_renderable=self._lines, console=console, refresh_per_second=4)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live.is_started:
            self._live.stop()

    def update(self, result: Result) -> None:
        """Take a step of a point."""
        self._results[result.point] = result
        if result.status == "running":
            self._started[result.point] = time.monotonic()
            # Not before: until now bars of the first training are in its place.
            if self.console.is_terminal and not self._live.is_started:
                self._live.start()
        elif result.status in {"failed", "failed again"} or not self.console.is_terminal:
            self.say(_told(result))

    def say(self, text: str) -> None:
        """Print a line; in a terminal it stays above the live part."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _lines(self) -> Table:
        known = [result for result in self._results.values() if result]
        counts = Counter(result.status for result in known)
        done = counts["measured"] + counts["found"]
        line = f"{done} of {len(self._results)} done, {counts['running']} running"
        lines = Table.grid()
        lines.add_row(Text(f"{line}, {counts['failed']} failed"))
        for result in known:
            if result.status == "running":
                seconds = time.monotonic() - self._started[result.point]
                lines.add_row(Text(f"  {result.point}, {seconds:.0f} s", style="dim"))
        best = best_of(known)
        if best:
            lines.add_row(Text(f"The best so far: {_told(best)}"))
        return lines


def print_results(results: Sequence[Result], console: Console) -> None:
    """Print the table of all points, and the errors of those that failed for good."""
    titles = ("point", "", "zipped (bytes)", "accuracy", "p50 (ms)", "frontier")
    table = Table(*titles, box=None, padding=(0, 2, 0, 0))
    for column in table.columns[2:5]:
        column.justify = "right"
    for result, frontier in zip(results, as_table(results)["frontier"], strict=True):
        state = Text(result.status, style=COLOURS.get(result.status, "yellow"))
        one = result.measurement
        if one is None:
            table.add_row(str(result.point), state)
            continue
        figures = (f"{one.compressed_bytes:,}", f"{one.accuracy:.2%}", f"{one.latency_p50_ms:.3g}")
        table.add_row(str(result.point), state, *figures, "*" if frontier else "")
    console.print(table)
    failed = [result for result in results if result.status == "failed"]
    for result in failed:
        console.print(_told(result), markup=False, highlight=False, soft_wrap=True)
    done = sum(result.measurement is not None for result in results)
    text = f"{done} of {len(results)} points are in the ledger"
    if failed:
        text += f", {len(failed)} failed. Repeat the command to try only those again"
    console.print(f"{text}.", highlight=False)


def as_json(results: Sequence[Result]) -> str:
    """Write results as a list of objects, one a point, with the columns of the table."""
    table = as_table(results).rename(columns=NAMES)
    return json.dumps(json.loads(table.to_json(orient="records")), indent=1) + "\n"


def _told(result: Result) -> str:
    if result.measurement is not None:
        one = result.measurement
        return f"{result.point}: {one.accuracy:.2%} in {one.compressed_bytes:,} bytes zipped"
    if result.status in {"failed", "failed again"}:
        if not result.attempts:
            return f"{result.point}: not begun: {result.error}"
        times = "once" if result.attempts == 1 else f"{result.attempts} times"
        more = "; it will be tried again" if result.status == "failed again" else ""
        return f"{result.point}: failed {times}: {result.error}{more}"
    return f"{result.point}: {result.status}"
