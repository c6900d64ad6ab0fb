"""The extraction explorer: how good a copy of a model becomes, and what slows the thief down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.extraction import extraction_hours
from deployworkbook.formulas.shares import Share
from deployworkbook.plots.extraction import ExtractionResult, ExtractionView
from deployworkbook.validation import value_error
from deployworkbook.widgets.controls import Choice, LogSlider
from deployworkbook.widgets.explorer import Explorer

Array = NDArray[np.float64]

FEWEST_PER_MINUTE, MOST_PER_MINUTE = 1.0, 100_000.0


class MeasuredCopies(Protocol):
    """Copies of a model from more and more answers."""

    @property
    def queries(self) -> Sequence[int]:
        """Numbers of answers, rising."""

    @property
    def agreements(self) -> Sequence[Share]:
        """How often each copy names the model's class."""


def compute_extraction(
    measured: Mapping[str, tuple[Array, Array]],
    *,
    defence: str,
    queries: float,
    limit_per_minute: float,
    clients: float,
    honest_per_minute: float,
    usd_per_million: float,
) -> ExtractionResult:
    """Interpolate the agreement of a copy, and compute what its answers cost in time and money.

    Args:
        measured: Queries and agreements by the defence's name.
        defence: Name of the defence.
        queries: Number of answers.
        limit_per_minute: Queries that the server allows each client per minute.
        clients: Number of clients, or tokens, that the attacker has.
        honest_per_minute: Queries per minute of a client who asks in good faith.
        usd_per_million: Price of a million answers.
    """
    counts, agreements = measured[defence]
    curve = np.geomspace(counts[0], counts[-1], 41)
    hours = partial(extraction_hours, limit_per_minute=limit_per_minute, clients=round(clients))
    return ExtractionResult(
        defence=defence,
        queries=queries,
        agreement=float(np.interp(np.log(queries), np.log(counts), agreements)),
        curve_queries=curve,
        curve_hours=hours(curve),
        hours=float(hours(queries)),
        usd=queries * usd_per_million / 1e6,
        is_denied=honest_per_minute > limit_per_minute,
    )


def extraction_explorer(copies: Mapping[str, MeasuredCopies]) -> Explorer[ExtractionResult]:
    """Make the extraction explorer.

    Args:
        copies: Measured copies, such as ``extract_model``'s, by the defence's name; at least one,
            each with two numbers of queries or more.

    Raises:
        ValueError: There are no copies, or one number of queries only.
    """
    if not copies or min(len(each.queries) for each in copies.values()) < 2:
        expected = "copies from at least two numbers of queries"
        raise value_error("copies", received=f"{len(copies)} defences", expected=expected)
    measured = {
        name: (
            np.asarray(each.queries, float),
            np.array([share.value for share in each.agreements]),
        )
        for name, each in copies.items()
    }
    least = max(counts[0] for counts, _ in measured.values())
    most = min(counts[-1] for counts, _ in measured.values())
    names = tuple(measured)
    per_minute = (FEWEST_PER_MINUTE, MOST_PER_MINUTE, 10)
    controls = [
        Choice("defence", "defence", names, names[0]),
        LogSlider("queries", "queries", least, most, 10, most),
        LogSlider("limit_per_minute", "limit per minute", *per_minute, 60.0),
        LogSlider("clients", "attacker's clients", 1.0, 1000.0, 10, 1.0),
        LogSlider("honest_per_minute", "honest, per minute", *per_minute, 10.0),
        LogSlider("usd_per_million", "a million", 0.1, 10_000.0, 10, 10.0, unit="USD"),
    ]
    note = "Agreement measured, and interpolated between the points; time and price modelled."
    return Explorer(controls, partial(compute_extraction, measured), ExtractionView(measured, note))
