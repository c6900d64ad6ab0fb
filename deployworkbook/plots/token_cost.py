"""What a language model's tokens cost: on devices of one's own, and from an API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.platforms import time_text
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import short

Array = NDArray[np.float64]

USD_PER_MILLION = (0.02, 200.0)
USD_PER_DAY = (1.0, 1_000_000.0)
PLAIN = FuncFormatter(lambda value, _: f"{value:,.12g}")
MILLIONS = FuncFormatter(lambda value, _: f"{value / 1e6:,.12g}")


@dataclass(frozen=True, eq=False)
class TokenCostResult:
    """The data of a plot of tokens' costs; prompts and answers mixed as they come.

    Args:
        model: Name of the model.
        devices: Number and name of the devices of a server.
        machine: Name of the machine that has them.
        bits: Bits per weight, as they are called.
        batch: Answers in progress.
        utilisation: Share of the time in which the server is busy.
        usd_per_million: Cost of a million tokens; NaN if the batch doesn't fit.
        between_tokens_s: Time between two tokens of an answer.
        first_token_s: Time to the first token when nobody else waits.
        largest_batch: Answers that fit.
        batches: Batches of the curves.
        curves: USD per million tokens by bits per weight; NaN where the batch doesn't fit.
        api: USD per million tokens by API.
        tokens_per_day: Tokens per day of the right-hand curves.
        own_usd_per_day: Cost of as many machines as they need; NaN if the batch doesn't fit.
        break_even: Tokens per day from which a machine is cheaper than the cheapest API; infinite
            if it never is.
    """

    model: str
    devices: str
    machine: str
    bits: int
    batch: int
    utilisation: float
    usd_per_million: float
    between_tokens_s: float
    first_token_s: float
    largest_batch: int
    batches: Array
    curves: dict[int, Array]
    api: Mapping[str, float]
    tokens_per_day: Array
    own_usd_per_day: Array
    break_even: float

    @property
    def fits(self) -> bool:
        """Whether the batch fits into the memory."""
        return self.batch <= self.largest_batch

    @property
    def cheapest_api(self) -> float:
        """USD per million tokens of the cheapest API; NaN if no API has the model."""
        return min(self.api.values(), default=float("nan"))


class TokenCostView(View[TokenCostResult]):
    """USD per million tokens by batch, and USD per day by tokens per day.

    Args:
        batches: Batches of the curves.
        bits: Bits per weight of the curves.
        tokens_per_day: Tokens per day of the right-hand curves.
    """

    @styled
    def __init__(self, batches: Array, bits: tuple[int, ...], tokens_per_day: Array) -> None:
        super().__init__(Picture(10, 4.4))
        million, day = self.picture.subplots(1, 2)
        million.set(title="USD per million tokens (modelled)", xlabel="answers at once")
        million.set(xscale="log", yscale="log", ylim=USD_PER_MILLION)
        million.set_xlim(batches[0] / 1.2, batches[-1] * 1.2)
        day.set(title="USD per day (modelled)", xlabel="million tokens per day")
        day.set(xscale="log", yscale="log", ylim=USD_PER_DAY)
        day.set_xlim(tokens_per_day[0], tokens_per_day[-1])
        for axis in (million.xaxis, million.yaxis, day.yaxis):
            axis.set_major_formatter(PLAIN)
        day.xaxis.set_major_formatter(MILLIONS)
        self._curves = {
            each: self.line(million, style, color=colour, lw=2, label=f"{each} bits")
            for each, style, colour in zip(bits, ("-", "--", "-."), COLOURS[1:], strict=False)
        }
        self._prices = self.line(million, ":", color=COLOURS[4], lw=2, label="cheapest API")
        self._here = self.line(million, "o", color=COLOURS[0], ms=11, mfc="none", mew=2)
        self._own = self.line(day, color=COLOURS[5], lw=2, label="own machines")
        self._api = self.line(day, ":", color=COLOURS[4], lw=2)
        self._even = self.line(day, "o", color=COLOURS[2], ms=9, label="break-even, if any")
        handles = million.get_legend_handles_labels()[0] + day.get_legend_handles_labels()[0]
        self.picture.legend(handles=handles, loc="outside lower center", ncols=6)

    def update(self, result: TokenCostResult) -> bool:
        """Move curves and markers."""
        for bits, curve in self._curves.items():
            curve.set_data(result.batches, result.curves[bits])
        price = result.cheapest_api
        self._prices.set_data(result.batches[[0, -1]], [price] * 2)
        self._here.set_data([result.batch], [result.usd_per_million])
        self._own.set_data(result.tokens_per_day, result.own_usd_per_day)
        self._api.set_data(result.tokens_per_day, price / 1e6 * result.tokens_per_day)
        even = result.break_even if np.isfinite(result.break_even) else float("nan")
        self._even.set_data([even], [price / 1e6 * even])
        return False

    def describe(self, result: TokenCostResult) -> str:
        """Describe the cost, and from when it is lower than an API's."""
        said = f"{result.model} in {result.bits} bits on {result.devices} ({result.machine})"
        if not result.fits:
            return (
                f"{said}: {result.batch:,} answers at once don't fit into the memory, "
                f"{result.largest_batch:,} do."
            )
        text = (
            f"{said}, {result.batch:,} answers at once, busy {result.utilisation:.0%} of the time: "
            f"{result.usd_per_million:,.3g} USD per million tokens."
        )
        if not result.api:
            return f"{text} No API in the catalogue has this model."
        if not np.isfinite(result.break_even):
            return f"{text} The cheapest API takes {result.cheapest_api:,.3g}: always less."
        return (
            f"{text} The cheapest API takes {result.cheapest_api:,.3g}; a machine is cheaper from "
            f"{short(result.break_even / 1e6)} million tokens per day."
        )

    def table(self, result: TokenCostResult) -> list[Row]:
        """List costs and times."""
        cost = f"{result.usd_per_million:,.3f} USD" if result.fits else "doesn't fit"
        even = result.break_even / 1e6
        cheapest = min(result.api, key=lambda name: result.api[name], default=None)
        price = (
            f"{result.api[cheapest]:,.3f} USD ({cheapest})" if cheapest else "none has the model"
        )
        return [
            ("million tokens, own", cost),
            ("million tokens, cheapest API", price),
            ("a machine is cheaper from", _tokens(even) if result.api else "–"),
            ("time to the first token, alone", time_text(result.first_token_s)),
            ("time between tokens, at most", time_text(result.between_tokens_s)),
            ("answers that fit", f"{result.largest_batch:,}"),
        ]


def _tokens(millions: float) -> str:
    return f"{short(millions)} million tokens per day" if np.isfinite(millions) else "never"
