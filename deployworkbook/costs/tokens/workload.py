"""The traffic of a language model: requests, the lengths of prompts and answers, objectives."""

from __future__ import annotations

from dataclasses import dataclass

from deployworkbook.costs.estimation.workload import FLAT_DAY, FLAT_WEEK, Shape, Workload
from deployworkbook.costs.units import SECONDS_PER_MONTH
from deployworkbook.validation import check_number

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class TokenWorkload:
    """Requests to a language model, and how long their tokens may take.

    Args:
        requests_per_s: Mean request rate over the week.
        prompt_tokens: Mean tokens of a prompt.
        answer_tokens: Mean tokens of an answer.
        first_token_objective_ms: Time within which 99 of 100 requests must have their first token.
        between_tokens_objective_ms: Time that 99 of 100 tokens may take after the one before.
        daily_shape: 24 proportions, from midnight.
        weekly_shape: 7 proportions, from Monday.

    Raises:
        TypeError: A field is not a number.
        ValueError: A field is out of range; the message names it.

    >>> chat = TokenWorkload(2.0, prompt_tokens=500, answer_tokens=200)
    >>> f"{chat.tokens_per_day / 1e6:.0f} million tokens per day"
    '121 million tokens per day'
    """

    requests_per_s: float
    prompt_tokens: float = 500.0
    answer_tokens: float = 200.0
    first_token_objective_ms: float = 1000.0
    between_tokens_objective_ms: float = 50.0
    daily_shape: Shape = FLAT_DAY
    weekly_shape: Shape = FLAT_WEEK

    def __post_init__(self) -> None:
        check_number("prompt_tokens", self.prompt_tokens, 1, 1e9)
        check_number("answer_tokens", self.answer_tokens, 1, 1e9)
        for name in ("first_token_objective_ms", "between_tokens_objective_ms"):
            check_number(name, getattr(self, name), 0, open_low=True)
        self._traffic()  # it checks the rate and the shapes

    def _traffic(self) -> Workload:
        return Workload(
            self.requests_per_s, daily_shape=self.daily_shape, weekly_shape=self.weekly_shape
        )

    @property
    def peak_requests_per_s(self) -> float:
        """Request rate of the busiest hour of the week."""
        return self.requests_per_s * self._traffic().peak_ratio

    @property
    def tokens_per_day(self) -> float:
        """Tokens of prompts and answers on an average day."""
        tokens = self.prompt_tokens + self.answer_tokens
        return self.requests_per_s * tokens * SECONDS_PER_DAY

    @property
    def requests_per_month(self) -> float:
        """Requests in a month of 730 hours."""
        return self.requests_per_s * SECONDS_PER_MONTH
