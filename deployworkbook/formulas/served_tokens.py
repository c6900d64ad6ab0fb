"""What a server of a language model did: which request had which slot when, and how long it took.

Two times matter to the reader of an answer: the time to its first token, and the time between two
tokens. To whoever pays, it is the number of tokens per second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.token_requests import TokenRequests
from deployworkbook.validation import check_number

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ServedTokens:
    """The requests that a server answered, and its steps.

    Args:
        requests: The requests, n of them.
        slots: Number of slots: sequences that the server holds at once.
        slot: Slot that each request had, from 0, shape ``[n]``.
        started_s: When each request got its slot, shape ``[n]``.
        first_token_s: When the first token of each answer was there, shape ``[n]``.
        ended_s: When the last token of each answer was there, shape ``[n]``.
        released_s: When each slot was free again, shape ``[n]``: with static batching, as soon as
            the longest answer of the batch had ended.
        step_s: Duration of each step, shape ``[k]``.
        step_tokens: Answers that each step continued by a token, shape ``[k]``.
    """

    requests: TokenRequests
    slots: int
    slot: Counts
    started_s: Array
    first_token_s: Array
    ended_s: Array
    released_s: Array
    step_s: Array
    step_tokens: Counts

    @property
    def seconds(self) -> float:
        """Time from the first arrival to the end of the last answer."""
        return float(self.ended_s.max() - np.asarray(self.requests.arrivals_s)[0])

    @property
    def answer_tokens_per_s(self) -> float:
        """Tokens of answers per second."""
        return self.requests.total_answer_tokens / self.seconds

    @property
    def busy_slots_share(self) -> float:
        """Share of the slots' time in which they worked on an answer."""
        return float((self.ended_s - self.started_s).sum() / (self.slots * self.seconds))

    def first_token_wait_s(self, percent: float = 99.0) -> float:
        """Return a percentile of the time from arrival to the first token.

        Args:
            percent: Percentile, from 0 to 100.
        """
        waits = self.first_token_s - np.asarray(self.requests.arrivals_s)
        return float(np.percentile(waits, check_number("percent", percent, 0, 100)))

    def between_tokens_s(self, percent: float = 99.0) -> float:
        """Return a percentile of the time from one token of an answer to its next.

        All answers that a step continues have waited for the whole step, so the steps count by
        their tokens. The shortest time that at least this share of the tokens kept is returned; 0
        if no answer has a second token.

        Args:
            percent: Percentile, from 0 to 100.
        """
        share = check_number("percent", percent, 0, 100) / 100
        order = np.argsort(self.step_s)
        tokens = np.cumsum(self.step_tokens[order])
        if not len(tokens) or tokens[-1] == 0:
            return 0.0
        # Rounding would otherwise decide whether the last token counts.
        at = int(np.searchsorted(tokens, share * tokens[-1] * (1 - 1e-12)))
        return float(self.step_s[order[at]])
