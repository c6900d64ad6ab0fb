"""Requests to a language model: when they arrive, and how long prompts and answers are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import (
    check_array,
    check_integer,
    check_number,
    check_same_shape,
    value_error,
)

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TokenRequests:
    """Requests in the order of their arrival.

    Args:
        arrivals_s: Arrival times, ascending, shape ``[n]``.
        prompt_tokens: Tokens of each prompt, whole numbers of at least 1, shape ``[n]``.
        answer_tokens: Tokens of each answer, likewise. The answer's length isn't known when a
            request arrives: the model ends it.

    Raises:
        ValueError: Times go back, a length isn't a whole number of at least 1, or shapes differ.

    >>> requests = TokenRequests([0.0, 0.5], [100, 20], [10, 300])
    >>> len(requests), requests.total_answer_tokens
    (2, 310)
    """

    arrivals_s: ArrayLike
    prompt_tokens: ArrayLike
    answer_tokens: ArrayLike

    def __post_init__(self) -> None:
        times = check_array("arrivals_s", self.arrivals_s, ndim=1)
        if np.any(np.diff(times) < 0):
            expected = "ascending times"
            raise value_error("arrivals_s", received="times that go back", expected=expected)
        object.__setattr__(self, "arrivals_s", times)
        for name in ("prompt_tokens", "answer_tokens"):
            counts = check_array(name, getattr(self, name), ndim=1, low=1)
            check_same_shape("arrivals_s", times, name, counts)
            if np.any(counts != np.floor(counts)):
                raise value_error(name, received="fractions", expected="whole numbers")
            object.__setattr__(self, name, counts.astype(np.int64))

    def __len__(self) -> int:
        return len(np.asarray(self.arrivals_s))

    @property
    def total_answer_tokens(self) -> int:
        """Tokens of all answers together."""
        return int(np.sum(self.answer_tokens))


def random_requests(
    count: int,
    *,
    rate_per_s: float = np.inf,
    prompt_tokens: float = 500.0,
    answer_tokens: float = 200.0,
    spread: float = 1.0,
    seed: int = 0,
) -> TokenRequests:
    """Draw requests that arrive at random, with lengths as uneven as real ones.

    Arrivals are a Poisson process. Lengths are log-normal, rounded up to whole tokens:

        length = mean · exp(σ z - σ² / 2),  z from a standard normal distribution

    With σ = 1 the longest of 32 answers is about five times as long as the average.

    Args:
        count: Number of requests, at least 1.
        rate_per_s: Requests per second; infinite if all are there at the start.
        prompt_tokens: Mean length of a prompt, at least 1.
        answer_tokens: Mean length of an answer, at least 1.
        spread: σ; 0 makes all of them equally long.
        seed: Seed of the random numbers.

    Raises:
        ValueError: A number is out of range.

    >>> same = random_requests(3, prompt_tokens=8, answer_tokens=5, spread=0)
    >>> same.arrivals_s, same.prompt_tokens, same.answer_tokens
    (array([0., 0., 0.]), array([8, 8, 8]), array([5, 5, 5]))
    """
    number = check_integer("count", count, 1)
    sigma = check_number("spread", spread, 0, 5)
    generator = np.random.default_rng(seed)
    if rate_per_s == np.inf:
        arrivals = np.zeros(number)
    else:
        gap = 1.0 / check_number("rate_per_s", rate_per_s, 0, open_low=True)
        arrivals = np.cumsum(generator.exponential(gap, number))
    lengths = []
    for name, mean in (("prompt_tokens", prompt_tokens), ("answer_tokens", answer_tokens)):
        normal = generator.standard_normal(number)
        drawn = check_number(name, mean, 1) * np.exp(sigma * normal - sigma**2 / 2)
        lengths.append(np.ceil(np.round(drawn, 9)))
    return TokenRequests(arrivals, *lengths)
