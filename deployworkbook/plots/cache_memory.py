"""Memory of a language model's users: weights, caches of keys and values, and who fits where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from deployworkbook.plots.picture import COLOURS, Picture, name_rows, styled
from deployworkbook.plots.view import Row, View
from deployworkbook.plots.words import byte_size, counted

Array = NDArray[np.float64]

SIZES_GB = (1.0, 20_000.0)
# The axis of users begins below 1, where a device that holds none has no bar.
USERS = (0.7, 3000.0)
PLAIN = FuncFormatter(lambda value, _: f"{value:,g}")
MOST_ROWS = 12


@dataclass(frozen=True, eq=False)
class CacheResult:
    """The data of a plot of weights and caches.

    Args:
        model: Name of the model.
        layers: L.
        kv_heads: g, heads of keys and values.
        head_width: e.
        cache_bits: Bits per number of the cache.
        tokens: Tokens per user.
        users: Users at once.
        token_bytes: Cache of a token.
        weight_bytes: All weights.
        counts: Numbers of users of the curves.
        totals_bytes: Weights and caches by number of users, by grouping.
        fitting: Users that fit into each device.
    """

    model: str
    layers: int
    kv_heads: int
    head_width: int
    cache_bits: int
    tokens: int
    users: int
    token_bytes: float
    weight_bytes: float
    counts: Array
    totals_bytes: dict[str, Array]
    fitting: dict[str, int]

    @property
    def cache_bytes(self) -> float:
        """Caches of all users."""
        return self.users * self.tokens * self.token_bytes

    @property
    def total_bytes(self) -> float:
        """Weights and caches."""
        return self.weight_bytes + self.cache_bytes


class CacheView(View[CacheResult]):
    """Memory by number of users, and the users that fit into each device.

    Args:
        groupings: Names of the groupings of heads.
        memories_gb: Memory of each device, without what its runtime needs.
    """

    @styled
    def __init__(self, groupings: tuple[str, ...], memories_gb: Mapping[str, float]) -> None:
        devices = dict(sorted(memories_gb.items(), key=lambda each: each[1])[:MOST_ROWS])
        super().__init__(Picture(10, 4.4))
        memory, fitting = self.picture.subplots(1, 2)
        memory.set(title="Weights and caches (GB)", xlabel="users at once", xscale="log")
        memory.set(yscale="log", xlim=(0.9, 1200), ylim=SIZES_GB)
        looks = zip(groupings, ("-", "--", "-."), COLOURS[1:], strict=False)
        self._totals = {
            name: self.line(memory, style, color=colour, lw=2, label=name)
            for name, style, colour in looks
        }
        self._weights = self.line(memory, ":", color=COLOURS[0], lw=1.8, label="weights alone")
        self._here = self.line(memory, "o", color=COLOURS[0], ms=11, mfc="none", mew=2)
        memory.legend(loc="upper left", title="key-value heads")
        fitting.set(title="Users that fit on one device", xlabel="users at once")
        fitting.set(xscale="log", xlim=USERS)
        for axis in (memory.xaxis, memory.yaxis, fitting.xaxis):
            axis.set_major_formatter(PLAIN)
        name_rows(fitting, [f"{name}\n{size:.0f} GB" for name, size in devices.items()])
        self._devices = tuple(devices)
        self._bars = [fitting.barh(row, 0, 0.6, color=COLOURS[1])[0] for row in range(len(devices))]
        self._wanted = self.line(fitting, "--", color=COLOURS[0], lw=1.5, label="users here")
        fitting.legend(loc="lower right")
        self.moving.extend(self._bars)

    def update(self, result: CacheResult) -> bool:
        """Move curves and bars."""
        for name, curve in self._totals.items():
            curve.set_data(result.counts, result.totals_bytes[name] / 1e9)
        self._weights.set_data(result.counts[[0, -1]], [result.weight_bytes / 1e9] * 2)
        self._here.set_data([result.users], [result.total_bytes / 1e9])
        for name, bar in zip(self._devices, self._bars, strict=True):
            # On a logarithmic axis a bar begins at the left end.
            bar.set(x=USERS[0], width=max(result.fitting[name] - USERS[0], 0.0))
        self._wanted.set_data([result.users] * 2, [-0.6, len(self._devices) - 0.4])
        return False

    def describe(self, result: CacheResult) -> str:
        """Describe the memory, and which devices hold it."""
        held = [name for name in self._devices if result.fitting[name] >= result.users]
        where = f"One of these holds them: {', '.join(held)}" if held else "No device holds them"
        return (
            f"{result.model}, {counted(result.users, 'user')} with {result.tokens:,} tokens each: "
            f"{byte_size(result.weight_bytes)} of weights and {byte_size(result.cache_bytes)} of "
            f"keys and values. {where}."
        )

    def table(self, result: CacheResult) -> list[Row]:
        """List the cache's size step by step, and the totals."""
        product = f"2 · {result.layers} · {result.kv_heads} · {result.head_width}"
        return [
            ("numbers per token: 2 · layers · heads · width", product),
            (f"cache of a token, {result.cache_bits} bits each", byte_size(result.token_bytes)),
            ("cache of a user", byte_size(result.tokens * result.token_bytes)),
            ("caches of all users", byte_size(result.cache_bytes)),
            ("weights", byte_size(result.weight_bytes)),
            ("together", byte_size(result.total_bytes)),
        ]
