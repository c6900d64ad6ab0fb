"""The roofline of a language model: memory or arithmetic limits it, and its tokens per second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, MARKERS, Picture, styled
from deployworkbook.plots.platforms import time_text
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import byte_size, short

Array = NDArray[np.float64]

INTENSITIES = (0.3, 20_000.0)
OPERATIONS_PER_S = (2e10, 2e16)
RATES = (1.0, 300_000.0)
PARTS = ("writing: weights", "writing: cache", "reading a prompt")
TERA = 1e12
PLAIN = FuncFormatter(lambda value, _: f"{value:,.10g}")


@dataclass(frozen=True, eq=False)
class TokenRooflineResult:
    """The data of a language model's roofline; two numbers per limit: data sheet, and reached.

    Args:
        model: Name of the model.
        devices: Number and name of the devices.
        bits: Bits per weight, as they are called.
        batch: Sequences that are written at once.
        tokens: Tokens of each sequence so far.
        operations_per_s: Peak of all devices.
        bytes_per_s: Bandwidth of all devices.
        intensities: Operations per byte of ``PARTS``.
        weights_s: Least time of a step's products with weights: for reading, and for computing.
        cache_s: Least time of a step's attention: for reading the caches, and for computing.
        step_s: Time of a step, which adds a token to each sequence.
        memory_bytes: What weights and caches may take.
        weight_bytes: What weights take.
        cache_bytes: What the caches of all sequences take.
        largest_batch: Sequences that fit.
        batches: Batches of the curves.
        rates: Tokens per second by bits per weight; NaN where the memory is too small.
    """

    model: str
    devices: str
    bits: int
    batch: int
    tokens: int
    operations_per_s: tuple[float, float]
    bytes_per_s: tuple[float, float]
    intensities: tuple[float, float, float]
    weights_s: tuple[float, float]
    cache_s: tuple[float, float]
    step_s: float
    memory_bytes: float
    weight_bytes: float
    cache_bytes: float
    largest_batch: int
    batches: Array
    rates: dict[int, Array]

    @property
    def fits(self) -> bool:
        """Whether weights and caches fit into the memory."""
        return self.batch <= self.largest_batch

    @property
    def tokens_per_s(self) -> float:
        """Tokens per second of all sequences together; NaN if they don't fit."""
        return self.batch / self.step_s if self.fits else float("nan")

    @property
    def ridge(self) -> float:
        """Operations per byte from which arithmetic is the limit, of what is reached."""
        return self.operations_per_s[1] / self.bytes_per_s[1]

    @property
    def cache_share(self) -> float:
        """Share of a step's time that goes to the caches."""
        return max(self.cache_s) / self.step_s

    @property
    def limit(self) -> str:
        """What takes the most of a step's time."""
        (reading, computing), (caches, attention) = self.weights_s, self.cache_s
        if max(caches, attention) > max(reading, computing):
            return "reading the caches" if caches > attention else "arithmetic"
        return "reading the weights" if reading > computing else "arithmetic"


class TokenRooflineView(View[TokenRooflineResult]):
    """The roof with its three points, and tokens per second by batch.

    Args:
        batches: Batches of the curves.
        bits: Bits per weight of the curves.
    """

    @styled
    def __init__(self, batches: Array, bits: tuple[int, ...]) -> None:
        super().__init__(Picture(10, 4.2))
        roof, rate = self.picture.subplots(1, 2)
        roof.set(title="Operations per second (modelled)", xlabel="operations per byte")
        roof.set(xscale="log", yscale="log", xlim=INTENSITIES, ylim=OPERATIONS_PER_S)
        roof.set_yticks([1e11, 1e12, 1e13, 1e14, 1e15, 1e16])
        roof.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / TERA:,g} T"))
        roof.xaxis.set_major_formatter(PLAIN)
        self._sheet = self.line(roof, "--", color="0.55", lw=1.4, label="data sheet")
        self._roof = self.line(roof, color=COLOURS[0], lw=2, label="reached (assumed)")
        self._points = [
            self.line(roof, marker, color=colour, ms=10, label=part)
            for marker, colour, part in zip(MARKERS, COLOURS[1:], PARTS, strict=False)
        ]
        roof.legend(loc="lower right")
        rate.set(title="Tokens per second (modelled)", xlabel="sequences at once")
        rate.set(xscale="log", yscale="log", xlim=(batches[0] / 1.2, batches[-1] * 1.2))
        rate.set_ylim(*RATES)
        for axis in (rate.xaxis, rate.yaxis):
            axis.set_major_formatter(PLAIN)
        self._rates = {
            each: self.line(rate, style, color=colour, lw=2, label=f"{each} bits per weight")
            for each, style, colour in zip(bits, ("-", "--", "-."), COLOURS[1:], strict=False)
        }
        self._here = self.line(rate, "o", color=COLOURS[0], ms=11, mfc="none", mew=2, label="here")
        rate.legend(loc="upper left")

    def update(self, result: TokenRooflineResult) -> bool:
        """Move roofs, points and curves."""
        ends = np.array(INTENSITIES)
        for index, line in enumerate((self._sheet, self._roof)):
            peak, bandwidth = result.operations_per_s[index], result.bytes_per_s[index]
            x = np.array([ends[0], peak / bandwidth, ends[1]])
            line.set_data(x, np.minimum(peak, x * bandwidth))
        for point, intensity in zip(self._points, result.intensities, strict=True):
            reached = min(result.operations_per_s[1], intensity * result.bytes_per_s[1])
            point.set_data([intensity], [reached])
        for bits, curve in self._rates.items():
            curve.set_data(result.batches, result.rates[bits])
        self._here.set_data([result.batch], [result.tokens_per_s])
        return False

    def describe(self, result: TokenRooflineResult) -> str:
        """Describe the limit, the rate and what fits."""
        said = (
            f"{result.model} in {result.bits} bits on {result.devices}, "
            f"{result.batch} × {result.tokens:,} tokens: "
        )
        if not result.fits:
            needed = result.weight_bytes + result.cache_bytes
            return (
                f"{said}{byte_size(needed)} don't fit into {byte_size(result.memory_bytes)}. "
                f"At most {result.largest_batch:,} such sequences do."
            )
        return (
            f"{said}{short(result.tokens_per_s)} tokens per second, limited by {result.limit}: "
            f"{short(result.intensities[0])} operations per byte of weights and "
            f"{short(result.intensities[1])} per byte of the caches, where arithmetic is the limit "
            f"from {short(result.ridge)} on."
        )

    def table(self, result: TokenRooflineResult) -> list[Row]:
        """List rates, limits and memory."""
        rate = result.tokens_per_s
        return [
            ("tokens per second, all sequences", short(rate) if result.fits else "doesn't fit"),
            ("tokens per second, each", short(rate / result.batch) if result.fits else "–"),
            ("time per step", time_text(result.step_s)),
            ("most of it goes to", result.limit),
            ("share of the caches", f"{result.cache_share:.0%}"),
            ("weights", byte_size(result.weight_bytes)),
            ("caches of keys and values", byte_size(result.cache_bytes)),
            ("memory for both", byte_size(result.memory_bytes)),
            ("sequences that fit", f"{result.largest_batch:,}"),
            ("writing: operations per byte of weights", short(result.intensities[0])),
            ("writing: operations per byte of caches", short(result.intensities[1])),
            ("arithmetic is the limit from", f"{short(result.ridge)} operations per byte"),
        ]
