"""Does it fit? A model's flash and RAM against a microcontroller's, and its accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.ticker import PercentFormatter

from deployworkbook.plots.bill import add_note
from deployworkbook.plots.picture import COLOURS, Picture, name_rows, styled
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import kibibytes, short

# The axis of both bars ends here: longer bars are cut.
LONGEST_SHARE = 1.25
PART_COLOURS = {
    "weights": COLOURS[1],
    "biases and scales": COLOURS[6],
    "code": COLOURS[2],
    "image": COLOURS[3],
    "sums": COLOURS[5],
    "stack": COLOURS[4],
}
FLASH_PARTS, RAM_PARTS = tuple(PART_COLOURS)[:3], tuple(PART_COLOURS)[3:]
KIB = 1024
LEAST_KIB, MOST_KIB = 1, 8192
# Forms differ by percents near the top. A worse one is drawn at the lower edge.
LEAST_ACCURACY = 0.7

Basis = Literal["measured", "simulated", "unknown"]


@dataclass(frozen=True)
class MeasuredForm:
    """A form of the model whose accuracy was measured.

    Args:
        bits: Bits per weight: 4, 8 or 32.
        sparsity: Share of its weights that are 0.
        hidden: Number of hidden units.
        accuracy: Share of the test images that it reads correctly.

    >>> MeasuredForm(bits=8, sparsity=0.0, hidden=128, accuracy=0.98).hidden
    128
    """

    bits: int
    sparsity: float
    hidden: int
    accuracy: float


@dataclass(frozen=True, eq=False)
class FitResult:
    """The data of a plot of what fits.

    Args:
        device: Name of the microcontroller.
        device_flash_bytes: Its flash.
        device_ram_bytes: Its RAM.
        layout: How the weights lie in flash, such as "sparse int4".
        flash_bytes: What the model needs of flash, by part, in the order of ``FLASH_PARTS``.
        ram_bytes: What it needs of RAM, by part, in the order of ``RAM_PARTS``.
        accuracy: Its accuracy; NaN if unknown.
        basis: Where the accuracy comes from.
        measured: Flash and accuracy of each measured form.
        others: For each microcontroller, how many times it is too small: at most 1 if it fits.
    """

    device: str
    device_flash_bytes: int
    device_ram_bytes: int
    layout: str
    flash_bytes: tuple[float, ...]
    ram_bytes: tuple[float, ...]
    accuracy: float
    basis: Basis
    measured: Sequence[tuple[float, float]]
    others: Mapping[str, float]

    @property
    def shares(self) -> tuple[float, float]:
        """What it needs of the device's flash and RAM, as shares."""
        return (
            sum(self.flash_bytes) / self.device_flash_bytes,
            sum(self.ram_bytes) / self.device_ram_bytes,
        )

    @property
    def fits(self) -> bool:
        """Whether it fits into the device."""
        return max(self.shares) <= 1


class FitView(View[FitResult]):
    """Flash and RAM as shares of the device's, and accuracy by flash.

    Args:
        note: What the figures rest on, shown below the plot.
    """

    @styled
    def __init__(self, note: str) -> None:
        super().__init__(Picture(9.1, 4.2))
        bars, accuracy = self.picture.subplots(1, 2, width_ratios=(1, 1.05))
        bars.set(title="Against this device", xlim=(0, LONGEST_SHARE))
        name_rows(bars, ("flash", "RAM"))
        bars.xaxis.set_major_formatter(PercentFormatter(1))
        bars.set_xticks([0, 0.25, 0.5, 0.75, 1.0, 1.25])
        bars.axvline(1, color=COLOURS[0], lw=2)
        self._bars = [
            [bars.barh(row, 0, 0.4, color=PART_COLOURS[part], label=part)[0] for part in parts]
            for row, parts in enumerate((FLASH_PARTS, RAM_PARTS))
        ]
        self._texts = [bars.text(0.01, row - 0.33, "", va="center", fontsize=11) for row in (0, 1)]
        bars.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3)
        accuracy.set(title="Accuracy by flash", xlabel="flash (KiB)", xscale="log")
        accuracy.set(xlim=(LEAST_KIB, MOST_KIB), ylim=(LEAST_ACCURACY, 1.01))
        ticks = [1, 4, 16, 64, 256, 1024, 4096]
        accuracy.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        accuracy.minorticks_off()
        accuracy.yaxis.set_major_formatter(PercentFormatter(1))
        self._flash = self.line(accuracy, color=COLOURS[0], lw=2, label="this device's flash")
        self._needed = self.line(accuracy, ":", color=COLOURS[2], lw=1.5, label="flash needed")
        self._measured = self.line(
            accuracy, "s", color=COLOURS[1], ms=6, label="measured forms", zorder=5
        )
        self._here = self.line(
            accuracy, "o", color=COLOURS[2], ms=10, mew=2, label="here (hollow: simulated)"
        )
        accuracy.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2)
        add_note(self.picture, note)
        self.moving += [*(bar for row in self._bars for bar in row), *self._texts]

    def update(self, result: FitResult) -> bool:
        """Set the bars, and move the marks."""
        limits = (result.device_flash_bytes, result.device_ram_bytes)
        needs = (result.flash_bytes, result.ram_bytes)
        for bars, text, limit, parts in zip(self._bars, self._texts, limits, needs, strict=True):
            begin = 0.0
            for bar, size in zip(bars, parts, strict=True):
                end = min(begin + size / limit, LONGEST_SHARE)
                bar.set(x=begin, width=end - begin)
                begin = end
            text.set_text(f"{kibibytes(sum(parts))} of {kibibytes(limit)}")
        flash = sum(result.flash_bytes) / KIB
        self._flash.set_data([result.device_flash_bytes / KIB] * 2, [0, 2])
        self._needed.set_data([flash] * 2, [0, 2])
        self._measured.set_data(
            [each[0] / KIB for each in result.measured],
            [_drawn(each[1]) for each in result.measured],
        )
        self._here.set_data([flash], [_drawn(result.accuracy)])
        self._here.set_markerfacecolor(COLOURS[2] if result.basis == "measured" else "white")
        return False

    def describe(self, result: FitResult) -> str:
        """Describe what it needs, whether that fits, and how accurate it is."""
        flash, ram = sum(result.flash_bytes), sum(result.ram_bytes)
        fits = "fits into" if result.fits else "doesn't fit into"
        return (
            f"A model with {result.layout} weights needs {kibibytes(flash)} of flash and "
            f"{kibibytes(ram)} of RAM: it {fits} {result.device}. Accuracy: {_accuracy(result)}."
        )

    def table(self, result: FitResult) -> list[Row]:
        """List the needs by part, the accuracy, and which devices it fits into."""
        fitting = [name for name, times in result.others.items() if times <= 1]
        small = [f"{name} ({short(t)} times)" for name, t in result.others.items() if t > 1]
        return [
            ("layout of the weights", result.layout),
            ("flash", _parts(FLASH_PARTS, result.flash_bytes)),
            ("RAM", _parts(RAM_PARTS, result.ram_bytes)),
            ("accuracy", _accuracy(result)),
            ("fits into", ", ".join(fitting) or "none of the devices"),
            ("too large for", ", ".join(small) or "none of the devices"),
        ]


def _drawn(accuracy: float) -> float:
    """Return where an accuracy is drawn; an unknown one, NaN, nowhere."""
    return float(np.maximum(accuracy, LEAST_ACCURACY))


def _parts(names: tuple[str, ...], sizes: tuple[float, ...]) -> str:
    parts = ", ".join(f"{name} {size:,.0f}" for name, size in zip(names, sizes, strict=True))
    return f"{sum(sizes):,.0f} bytes: {parts}"


def _accuracy(result: FitResult) -> str:
    if result.basis == "unknown":
        return "unknown (neither measured nor simulated)"
    how = "simulated, without retraining" if result.basis == "simulated" else "measured"
    return f"{result.accuracy:.1%} ({how})"
