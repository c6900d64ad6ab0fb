"""What a sweep reports: its progress, a table of its points, and the same as JSON."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deployworkbook.commands.live import LiveDisplay, print_plain
from deployworkbook.compression.grid import SweepPoint, SweepResult, as_table, best_of

T = TypeVar("T", int, float)

COLOURS = {"found": "green", "measured": "green", "failed": "red", "failed again": "yellow"}

# JSON's names for the columns whose titles carry a unit.
NAMES = {
    "zipped (bytes)": "compressed_bytes",
    "accuracy (%)": "accuracy_percent",
    "p50 (ms)": "latency_p50_ms",
}


class SweepDisplay(LiveDisplay):
    """A live count of points done, running and failed, with the best so far.

    If the output is not a terminal, it prints a line as each point ends instead.

    Args:
        points: The points of the sweep.
        console: The console to draw on.
    """

    def __init__(self, points: Sequence[SweepPoint], console: Console) -> None:
        self._results: dict[SweepPoint, SweepResult | None] = dict.fromkeys(points)
        self._started: dict[SweepPoint, float] = {}
        super().__init__(console)  # last: it may draw at once

    def update(self, result: SweepResult) -> None:
        """Record a step of a point."""
        self._results[result.point] = result
        if result.status == "running":
            self._started[result.point] = time.monotonic()
            # Not before: until now the first training shows its progress bars here.
            self.start()
        elif result.status in {"failed", "failed again"} or not self.console.is_terminal:
            self.say(_in_words(result))

    def render(self) -> Table:
        """Return the counts, the running points and the best so far."""
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
            lines.add_row(Text(f"Best so far: {_in_words(best)}"))
        return lines


def print_results(results: Sequence[SweepResult], console: Console) -> None:
    """Print the table of all points, and the errors of those that failed after all retries."""
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
        print_plain(console, _in_words(result))
    done = sum(result.measurement is not None for result in results)
    text = f"{done} of {len(results)} points are in the ledger"
    if failed:
        text += f", {len(failed)} failed. Repeat the command to retry only those"
    console.print(f"{text}.", highlight=False)


def as_json(results: Sequence[SweepResult]) -> str:
    """Return the results as a JSON list of objects, one per point, with the table's columns."""
    table = as_table(results).rename(columns=NAMES)
    return json.dumps(json.loads(table.to_json(orient="records")), indent=1) + "\n"


def _in_words(result: SweepResult) -> str:
    if result.measurement is not None:
        one = result.measurement
        return f"{result.point}: {one.accuracy:.2%} in {one.compressed_bytes:,} bytes zipped"
    if result.status in {"failed", "failed again"}:
        if not result.attempts:
            return f"{result.point}: not started: {result.error}"
        times = "once" if result.attempts == 1 else f"{result.attempts} times"
        more = "; it will be retried" if result.status == "failed again" else ""
        return f"{result.point}: failed {times}: {result.error}{more}"
    return f"{result.point}: {result.status}"
