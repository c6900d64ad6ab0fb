"""Text tables for notebooks, because pandas truncates cells after 50 letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler


def text_table(rows: Sequence[Sequence[object]], columns: Sequence[str]) -> Styler:
    """Return a text table with left-aligned, wrapped cells that are never truncated.

    Args:
        rows: Rows, with one cell per column.
        columns: Titles of the columns; the first column labels the rows.

    >>> text_table([["disk", "ok"]], ["check", "status"]).data.loc["disk", "status"]
    'ok'
    """
    frame = pd.DataFrame(list(map(list, rows)), columns=list(columns)).set_index(columns[0])
    left = [("text-align", "left"), ("white-space", "normal"), ("vertical-align", "top")]
    # Use one title row, instead of a second one for the first column's name.
    titled = frame.rename_axis(index=None, columns=columns[0])
    return titled.style.set_table_styles(
        [{"selector": "td", "props": left}, {"selector": "th", "props": left}]
    )
