"""What a load has measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deployworkbook.serving.api.codes import Code

# The code of requests that were due and never sent, since all connections were taken to the end.
NOT_SENT = -1


@dataclass(frozen=True, eq=False)
class LoadResult:
    """Each request of a load: when it was meant to be sent, when it was, and what came of it.

    Latency is counted from the moment at which the request was meant to be sent. A generator that
    waits for an answer before it sends the next request leaves out just those requests that would
    have waited longest; what it then calls latency is the time from sending (``service_times_ms``).
    G. Tene named this coordinated omission.

    Args:
        offered_per_s: Requests that were meant to arrive a second; ``None`` for a closed loop.
        clients: How many users a closed loop had; ``None`` for an open one.
        started_at: When it began, in seconds since 1970.
        intended_s: When each was meant to be sent, from the start; a closed loop's: when it was.
        sent_s: When it was.
        done_s: When its answer or error was there.
        codes: The canonical codes of the answers; -1 for requests that were never sent.
        versions: The versions that answered; -1 where the answer does not say.
    """

    offered_per_s: float | None
    clients: int | None
    started_at: float
    intended_s: NDArray[np.float64]
    sent_s: NDArray[np.float64]
    done_s: NDArray[np.float64]
    codes: NDArray[np.int64]
    versions: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def is_answered(self) -> NDArray[np.bool_]:
        """Which requests were answered without an error."""
        return np.equal(self.codes, Code.OK)

    @cached_property
    def latencies_ms(self) -> NDArray[np.float64]:
        """From the moment each answered request was meant to be sent until its answer."""
        return 1000 * (self.done_s - self.intended_s)[self.is_answered]

    @cached_property
    def service_times_ms(self) -> NDArray[np.float64]:
        """From sending to answer: without the time a request has waited for its turn."""
        return 1000 * (self.done_s - self.sent_s)[self.is_answered]

    @property
    def lateness_ms(self) -> NDArray[np.float64]:
        """By how much each request that was sent was late: waiting for a free connection."""
        was_sent = np.not_equal(self.codes, NOT_SENT)
        return 1000 * (self.sent_s - self.intended_s)[was_sent]

    @property
    def p50_ms(self) -> float:
        """Half of the answers came within it; NaN without answers."""
        return self.percentile_ms(50)

    @property
    def p99_ms(self) -> float:
        """All but one in a hundred of the answers came within it; NaN without answers."""
        return self.percentile_ms(99)

    def percentile_ms(self, percent: float) -> float:
        """Return the latency that this share of the answers kept; read it beside the errors.

        Args:
            percent: From 0 to 100.
        """
        found = self.latencies_ms
        return float(np.percentile(found, percent)) if len(found) else float("nan")

    @property
    def seconds(self) -> float:
        """From the start to the last answer."""
        return float(self.done_s.max()) if len(self) else 0.0

    @property
    def throughput_per_s(self) -> float:
        """Requests answered without an error, a second."""
        return float(self.is_answered.sum()) / self.seconds if self.seconds else 0.0

    @property
    def errors(self) -> dict[str, int]:
        """How many requests ended with each code other than OK, ``NOT_SENT`` among them."""
        names = (
            "NOT_SENT" if code == NOT_SENT else Code(int(code)).name
            for code in self.codes[~self.is_answered]
        )
        return dict(sorted(Counter(names).items()))

    @property
    def is_saturated(self) -> bool:
        """Whether the server, or the generator, did not keep up with what was offered."""
        if self.offered_per_s is None:
            return False
        last_due_s = float(self.intended_s.max()) if len(self) else 0.0
        return bool(self.errors) or self.seconds > 1.1 * last_due_s + 0.25

    def __str__(self) -> str:
        who = (
            f"{self.clients} clients"
            if self.offered_per_s is None
            else f"{self.offered_per_s:,.0f}/s offered"
        )
        errors = ", ".join(f"{count} {name}" for name, count in self.errors.items())
        return (
            f"{who}: {self.throughput_per_s:,.0f}/s answered, p50 {self.p50_ms:.2f} ms, "
            f"p99 {self.p99_ms:.2f} ms, {errors or 'no errors'}"
        )
