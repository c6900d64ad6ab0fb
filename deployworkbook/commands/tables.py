"""Tables of texts for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

Row = tuple[str, ...]


def print_table(head: Row, rows: Sequence[Row], *, whole: int = 1) -> None:
    """Print rows under their titles; long texts continue below, except in the first columns.

    Args:
        head: Titles of the columns.
        rows: A text per column.
        whole: In how many columns texts stay on their line.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    for number, title in enumerate(head):
        table.add_column(title, overflow="fold", no_wrap=number < whole)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
