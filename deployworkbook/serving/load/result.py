"""The result of a load: latencies, errors, throughput."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from deployworkbook.serving.api.codes import Code
from deployworkbook.serving.load.engine import NOT_SENT, LoadPlan, Outcomes


@dataclass(frozen=True, eq=False)
class LoadResult:
    """Each request of a load: when it was due, when it was sent, and its outcome.

    Latency counts from when a request was due. A generator that waits for an answer before it sends
    the next request leaves out exactly the requests that would have waited longest; the latency it
    reports is only the time since sending (``service_times_ms``). Gil Tene calls this coordinated
    omission.

    Args:
        offered_per_s: Requests per second that were due; ``None`` for a closed loop.
        clients: Number of users of a closed loop; ``None`` for an open one.
        started_at: When the load began, in seconds since 1970.
        intended_s: When each request was due, from the start; in a closed loop, when it was sent.
        sent_s: When each request was sent.
        done_s: When its answer or error arrived.
        codes: The canonical code of each answer; -1 for requests that were never sent.
        versions: The version that answered; -1 if the answer doesn't say.
    """

    offered_per_s: float | None
    clients: int | None
    started_at: float
    intended_s: NDArray[np.float64]
    sent_s: NDArray[np.float64]
    done_s: NDArray[np.float64]
    codes: NDArray[np.int64]
    versions: NDArray[np.int64]

    @classmethod
    def of(cls, plan: LoadPlan, outcomes: Outcomes) -> LoadResult:
        """Return the result of a plan that was carried out."""
        return cls(
            offered_per_s=plan.offered_per_s,
            clients=plan.lines if plan.arrivals_s is None else None,
            started_at=outcomes.started_at,
            intended_s=np.array(outcomes.intended_s),
            sent_s=np.array(outcomes.sent_s),
            done_s=np.array(outcomes.done_s),
            codes=np.array(outcomes.codes),
            versions=np.array(outcomes.versions),
        )

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def is_answered(self) -> NDArray[np.bool_]:
        """Which requests got an answer without an error."""
        return np.equal(self.codes, Code.OK)

    @cached_property
    def latencies_ms(self) -> NDArray[np.float64]:
        """Time from when each answered request was due to its answer."""
        return 1000 * (self.done_s - self.intended_s)[self.is_answered]

    @cached_property
    def service_times_ms(self) -> NDArray[np.float64]:
        """Time from sending to answer, without the wait for a free connection."""
        return 1000 * (self.done_s - self.sent_s)[self.is_answered]

    @property
    def lateness_ms(self) -> NDArray[np.float64]:
        """How late each request was sent, because no connection was free."""
        was_sent = np.not_equal(self.codes, NOT_SENT)
        return 1000 * (self.sent_s - self.intended_s)[was_sent]

    @property
    def p50_ms(self) -> float:
        """The median latency; NaN without answers."""
        return self.percentile_ms(50)

    @property
    def p99_ms(self) -> float:
        """The latency that 99 % of the answers kept; NaN without answers."""
        return self.percentile_ms(99)

    def percentile_ms(self, percent: float) -> float:
        """Return a percentile of the latency; errors don't count, so look at them too.

        Args:
            percent: Which percentile, from 0 to 100.
        """
        found = self.latencies_ms
        return float(np.percentile(found, percent)) if len(found) else float("nan")

    @property
    def seconds(self) -> float:
        """Time from the start to the last answer."""
        return float(self.done_s.max()) if len(self) else 0.0

    @property
    def throughput_per_s(self) -> float:
        """Requests answered without an error, per second."""
        return float(self.is_answered.sum()) / self.seconds if self.seconds else 0.0

    @property
    def errors(self) -> dict[str, int]:
        """Number of requests per code other than OK, including ``NOT_SENT``."""
        names = (
            "NOT_SENT" if code == NOT_SENT else Code(int(code)).name
            for code in self.codes[~self.is_answered]
        )
        return dict(sorted(Counter(names).items()))

    @property
    def is_saturated(self) -> bool:
        """Whether the server or the generator fell behind the offered rate."""
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
