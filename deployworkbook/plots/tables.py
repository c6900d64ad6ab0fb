"""Tables of words for a notebook: pandas' own cut a cell after 50 letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler


def text_table(rows: Sequence[Sequence[object]], columns: Sequence[str]) -> Styler:
    """Lay out a table of words: aligned left, wrapped, nothing cut.

    Args:
        rows: Of as many cells as there are columns.
        columns: Their titles; the first column names the rows.

    >>> text_table([["disk", "ok"]], ["check", "status"]).data.loc["disk", "status"]
    'ok'
    """
    frame = pd.DataFrame(list(map(list, rows)), columns=list(columns)).set_index(columns[0])
    left = [("text-align", "left"), ("white-space", "normal"), ("vertical-align", "top")]
    # One row of titles, not a second one for the name of the first column.
    titled = frame.rename_axis(index=None, columns=columns[0])
    return titled.style.set_table_styles(
        [{"selector": "td", "props": left}, {"selector": "th", "props": left}]
    )
