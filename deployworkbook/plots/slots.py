"""The slots of a language model's server over time: who had which slot, and when it was idle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, styled_without_grid

if TYPE_CHECKING:
    from deployworkbook.formulas.served_tokens import ServedTokens

PROMPT, ANSWERS, KEPT = COLOURS[5], (COLOURS[1], COLOURS[6]), "#909090"


@styled_without_grid
def slots_picture(
    served: Mapping[str, ServedTokens], *, until_s: float | None = None, note: str = "simulated"
) -> Picture:
    """Draw the slots of servers over time, a panel per server: what is blank or grey is lost.

    Each request is a bar in the row of its slot: first its prompt is read, then its answer is
    written. Where a slot waits for the longest answer of its batch, it is grey.

    Args:
        served: Results by the name of the way of batching, such as ``serve_static``'s; at least
            one.
        until_s: End of the time axis; by default when the first of the servers is done.
        note: Where the times come from.
    """
    end = min(each.seconds for each in served.values()) if until_s is None else until_s
    picture = Picture(10, 1.1 + 1.9 * len(served))
    panels = picture.subplots(len(served), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, result) in zip(panels, served.items(), strict=True):
        begin = float(np.asarray(result.requests.arrivals_s)[0])
        seen = np.flatnonzero(result.started_s - begin < end)
        _bars(axes, result, seen, begin)
        axes.set(xlim=(0, end), ylim=(result.slots - 0.4, -0.6), ylabel="slot")
        rate = result.answer_tokens_per_s
        axes.set_title(f"{name}: {rate:,.0f} tokens per second ({note})", loc="left")
        axes.locator_params(axis="y", integer=True, nbins=4)
    panels[-1].set_xlabel("time (s)")
    handles, labels = panels[0].get_legend_handles_labels()
    picture.legend(handles, labels, loc="outside lower center", ncols=4)
    said = "; ".join(
        f"{name}: {each.answer_tokens_per_s:,.0f} tokens per second, slots busy "
        f"{each.busy_slots_share:.0%} of the time, p99 between tokens "
        f"{each.between_tokens_s() * 1e3:.3g} ms"
        for name, each in served.items()
    )
    picture.alt = f"Slots of a server over time ({note}). {said}."
    return picture


def _bars(axes: Axes, result: ServedTokens, seen: NDArray[np.intp], begin: float) -> None:
    slot = result.slot[seen]
    # Neighbours in a slot take turns in two colours, so that one can tell them apart.
    turn = np.zeros(len(seen), int)
    for row in np.unique(slot):
        mine = np.flatnonzero(slot == row)
        turn[mine[np.argsort(result.started_s[seen[mine]])]] = np.arange(len(mine)) % 2
    parts = [
        ("reads the prompt", PROMPT, result.started_s, result.first_token_s, np.full(len(seen), 1)),
        ("writes the answer", ANSWERS[0], result.first_token_s, result.ended_s, turn == 0),
        ("writes the next one", ANSWERS[1], result.first_token_s, result.ended_s, turn == 1),
        ("waits for its batch", KEPT, result.ended_s, result.released_s, np.full(len(seen), 1)),
    ]
    for label, colour, start, end, mask in parts:
        chosen = np.asarray(mask, bool)
        left = start[seen][chosen] - begin
        width = end[seen][chosen] - begin - left
        axes.barh(slot[chosen], width, left=left, height=0.85, color=colour, label=label)
