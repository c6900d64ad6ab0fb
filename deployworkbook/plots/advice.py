"""What each variant costs above the cheapest, against its accuracy, with the frontier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from deployworkbook.plots.bill import THOUSANDS, add_note, rate_text
from deployworkbook.plots.picture import COLOURS, Picture, styled
from deployworkbook.plots.view import Row, View, move_ends
from deployworkbook.plots.words import short

if TYPE_CHECKING:
    from deployworkbook.costs.advice.result import Advice, Candidate

# Most points that have their names beside them, and how near labels may come, in pixels.
LABELS, LABEL_PIXELS = 6, (150.0, 17.0)
# Differences up to this are drawn on a linear scale, as a logarithm has no place for 0.
LINEAR_USD = 1.0
# Variants less accurate than the best by more percentage points are drawn at the lower edge.
MOST_POINTS = 10.0


@dataclass(frozen=True, eq=False)
class AdviceResult:
    """The data of an advice plot; arrays have the shape ``[variants]``.

    Args:
        advice: All combinations of variants and machines, with the objectives.
        best: Cheapest combination that meets all objectives; ``None`` if there is none.
        reference: Cheapest combination of the uncompressed variant, at any accuracy; ``None`` if it
            cannot serve or was not measured.
        accuracy_share: Accuracies.
        costs_usd: Monthly costs on the cheapest machine that meets latency and memory objectives;
            infinite if there is none.
        too_large: Variants that fit on no machine, or exceed the memory objective.
    """

    advice: Advice
    best: Candidate | None
    reference: Candidate | None
    accuracy_share: NDArray[np.float64]
    costs_usd: NDArray[np.float64]
    too_large: NDArray[np.bool_]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variants in their runtimes."""
        return tuple(profile.name for profile in self.advice.profiles)

    @property
    def best_place(self) -> int | None:
        """Index of the best combination's variant; ``None`` if there is none."""
        return None if self.best is None else self.advice.profiles.index(self.best.profile)

    @property
    def above_usd(self) -> NDArray[np.float64]:
        """Monthly costs above those of the cheapest variant, which may miss the accuracy."""
        return np.asarray(self.costs_usd - self.costs_usd.min())

    @property
    def can_serve(self) -> NDArray[np.bool_]:
        """Variants that meet latency and memory objectives on some machine."""
        return np.isfinite(self.costs_usd)

    @property
    def is_accurate(self) -> NDArray[np.bool_]:
        """Variants that meet the accuracy objective."""
        return np.asarray(self.accuracy_share >= self.advice.accuracy_objective_share)

    @property
    def holding(self) -> list[int]:
        """Indices of the variants that meet all objectives, the cheapest first."""
        order = np.argsort(self.costs_usd, kind="stable")
        good = self.can_serve & self.is_accurate
        first = [] if self.best_place is None else [self.best_place]
        return first + [int(place) for place in order if good[place] and int(place) not in first]


class AdviceView(View[AdviceResult]):
    """Points by modelled cost above the cheapest and measured accuracy.

    Most of a cost is the same for all variants, so only what differs is drawn.

    Variants less accurate by more than ``MOST_POINTS`` percentage points are at the lower edge.

    Args:
        accuracy_share: Accuracies, shape ``[variants]``.
        note: Sources of the prices, shown below the plot.
    """

    @styled
    def __init__(self, accuracy_share: NDArray[np.float64], note: str) -> None:
        percent = 100 * accuracy_share
        top, lowest = float(percent.max()), float(percent.min())
        # Clip the accuracy axis so that one failed variant doesn't squash the rest.
        self._least = max(lowest, top - MOST_POINTS)
        room = max(0.3, 0.08 * (top - self._least))
        self._edge = self._least - room
        beyond = f"\n(below {self._least:.0f} at the edge)" if lowest < self._least else ""
        super().__init__(Picture(9, 4.4))
        axes = self._axes = self.picture.subplots()
        axes.set_xscale("symlog", linthresh=LINEAR_USD)
        axes.set(ylim=(self._edge, top + room))
        axes.set(xlabel="USD per month more than the cheapest form (modelled)")
        axes.set(ylabel=f"test accuracy (%, measured){beyond}")
        axes.xaxis.set_major_formatter(THOUSANDS)
        axes.xaxis.set_minor_locator(NullLocator())
        self._title = axes.set_title("The cheapest", loc="left")
        self._stair = self.line(
            axes, color=COLOURS[1], lw=1.6, drawstyle="steps-post", label="frontier"
        )
        self._asked = self.line(axes, "--", color=COLOURS[0], lw=1.2, label="objective")
        marks: dict[str, Any] = {"ms": 8, "clip_on": False, "in_layout": False}
        self._good = self.line(axes, "o", color=COLOURS[1], label="meets all", **marks)
        self._poor = self.line(
            axes, "x", color=COLOURS[2], mew=2, label="not accurate enough", **marks
        )
        self._unable = self.line(axes, ">", color="0.5", label="cannot serve", **marks)
        self._best = self.line(
            axes, "o", color=COLOURS[3], ms=15, mfc="none", mew=2.5, label="the cheapest"
        )
        self._labels = [
            axes.annotate("", (0, 0), xytext=(8, 5), textcoords="offset points", color="0.25")
            for _ in range(LABELS)
        ]
        self.moving.extend(self._labels)
        self.picture.legend(loc="outside right center")
        add_note(self.picture, note)
        self.moving.append(self._title)

    def update(self, result: AdviceResult) -> bool:
        """Move the points; other costs may need a new axis."""
        able = result.can_serve
        costs = result.above_usd if able.any() else np.full(len(able), np.inf)
        percent = 100 * result.accuracy_share
        percent = np.where(percent < self._least, self._edge, percent)
        accurate = result.is_accurate
        ends = _ends(costs[able])
        self._good.set_data(costs[able & accurate], percent[able & accurate])
        self._poor.set_data(costs[able & ~accurate], percent[able & ~accurate])
        # At the right end, where an infinite cost would be.
        self._unable.set_data(np.full((~able).sum(), ends[1] / 1.1), percent[~able])
        front = np.flatnonzero(result.advice.frontier.any(axis=1))
        front = front[np.argsort(costs[front])]
        # Extend the frontier to the right edge: more money buys no more accuracy.
        right = front[-1:]
        self._stair.set_data(
            np.append(costs[front], np.full(len(right), ends[1])),
            np.append(percent[front], percent[right]),
        )
        self._asked.set_data(ends, [100 * result.advice.accuracy_objective_share] * 2)
        place = result.best_place
        here = ([], []) if place is None else ([costs[place]], [percent[place]])
        self._best.set_data(*here)
        # The controls already show the objectives.
        self._title.set_text(_winner(result))
        has_moved = move_ends(self._axes, *ends)
        first = [] if place is None else [place]
        others = [*front[::-1], *np.argsort(costs, kind="stable")]
        self._name(result, costs, percent, [*first, *(at for at in others if able[at])])
        return has_moved

    def _name(
        self,
        result: AdviceResult,
        costs: NDArray[np.float64],
        percent: NDArray[np.float64],
        places: list[int],
    ) -> None:
        """Write names beside points, the first ones first, where no other name is near."""
        taken: list[NDArray[np.float64]] = []
        free = iter(self._labels)
        for place in dict.fromkeys(int(each) for each in places):
            pixels = self._axes.transData.transform((costs[place], percent[place]))
            if any((np.abs(pixels - other) < LABEL_PIXELS).all() for other in taken):
                continue
            label = next(free, None)
            if label is None:
                break
            taken.append(pixels)
            label.set_text(result.names[place])
            label.xy = (costs[place], percent[place])
        for label in free:
            label.set_text("")

    def describe(self, result: AdviceResult) -> str:
        """Describe the cheapest choice, its machines and its cost."""
        return (
            f"{len(result.names)} variants by cost above the cheapest and accuracy, for "
            f"{_objectives(result)}. {_winner(result)}."
        )

    def table(self, result: AdviceResult) -> list[Row]:
        """List the cheapest, next and uncompressed choices, and how many miss each objective."""
        best, reference, more = result.best, result.reference, result.holding[1:2]
        next_one = uncompressed = "none"
        if best is not None:
            least = best.cost_usd_per_month
            for place in more:
                next_one = f"{result.names[place]}, {_more(result.costs_usd[place] - least)}"
            if reference is not None:
                difference = _more(reference.cost_usd_per_month - least)
                uncompressed = f"{reference.profile.name}, {difference}"
        able, large = result.can_serve, result.too_large
        return [
            ("the cheapest", "none" if best is None else _in_words(best)),
            ("next", next_one),
            ("cheapest uncompressed", uncompressed),
            ("meet all objectives", f"{len(result.holding)} of {len(result.names)} variants"),
            ("not accurate enough", str(int((~result.is_accurate).sum()))),
            ("too much memory", str(int(large.sum()))),
            ("miss the latency objective", str(int((~able & ~large).sum()))),
        ]


def _objectives(result: AdviceResult) -> str:
    advice, work = result.advice, result.advice.workload
    text = f"{rate_text(work.requests_per_s)}, p99 ≤ {short(work.latency_objective_ms)} ms"
    text += f", accuracy ≥ {advice.accuracy_objective_share:.2%}"
    if np.isfinite(advice.memory_objective_bytes):
        text += f", memory ≤ {advice.memory_objective_bytes / 1e6:,.0f} MB"
    return text


def _winner(result: AdviceResult) -> str:
    if result.best is None:
        return f"None of {len(result.names)} variants meets all objectives"
    return f"The cheapest: {_in_words(result.best)}"


def _more(difference_usd: float) -> str:
    """Format a difference in cost; a less accurate variant may be cheaper."""
    cents = round(difference_usd, 2)
    if cents == 0:
        return "the same to the cent"
    return f"{abs(cents):,.2f} USD {'more' if cents > 0 else 'less'}"


def _in_words(choice: Candidate) -> str:
    return (
        f"{choice.profile.name} on {choice.replicas:,.0f} × {choice.machine.name}, "
        f"{choice.cost_usd_per_month:,.2f} USD per month"
    )


def _ends(above_usd: NDArray[np.float64]) -> tuple[float, float]:
    """Return round ends of the axis, which stay fixed while costs move within them."""
    steps = np.outer(10.0 ** np.arange(0, 12), [1, 2, 5]).ravel()
    most = float(above_usd.max(initial=0.0))
    return -0.4 * LINEAR_USD, float(steps[steps >= 1.15 * most].min(initial=steps[-1]))
