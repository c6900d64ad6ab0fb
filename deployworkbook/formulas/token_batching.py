"""Batching of answers, step by step: static batches, and continuous batching.

A step of a language model continues every answer of its batch by one token, and reads the weights
once for all of them. Answers differ in length, and nobody knows which one will be long:

- **Static** batching starts a batch and waits until its longest answer has ended. The others' slots
  are computed all the same.
- **Continuous** batching decides at every step: an answer that ends frees its slot, and the next
  request's prompt is read there, some tokens per step, while the other answers go on.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deployworkbook.formulas.served_tokens import ServedTokens
from deployworkbook.formulas.token_requests import TokenRequests
from deployworkbook.validation import check_integer, check_number

# Seconds of a step that continues so many answers, which read so many cached tokens together, and
# reads so many tokens of prompts.
StepTime = Callable[[int, int, int], float]


@dataclass(frozen=True)
class LinearStep:
    """A step's time as a line, from a few measured ones.

        t = t_0 + t_a · answers + t_c · cached tokens + t_p · prompt tokens

    Args:
        fixed_s: t_0, reading the weights and starting the kernels.
        answer_s: t_a, for each answer that is continued.
        cached_token_s: t_c, for each cached token that is read.
        prompt_token_s: t_p, for each token of a prompt.

    Raises:
        ValueError: A time is negative.

    >>> step = LinearStep(10e-3, 0.1e-3, 1e-6, 0.05e-3)
    >>> round(step(8, 4000, 100), 6)  # 10 + 0.8 + 4 + 5 ms
    0.0198
    """

    fixed_s: float
    answer_s: float
    cached_token_s: float
    prompt_token_s: float

    def __post_init__(self) -> None:
        for name in ("fixed_s", "answer_s", "cached_token_s", "prompt_token_s"):
            check_number(name, getattr(self, name), 0)

    def __call__(self, answers: int, cached_tokens: int, prompt_tokens: int) -> float:
        """Return the seconds of a step."""
        return (
            self.fixed_s
            + self.answer_s * answers
            + self.cached_token_s * cached_tokens
            + self.prompt_token_s * prompt_tokens
        )


def serve_static(requests: TokenRequests, step: StepTime, *, slots: int) -> ServedTokens:
    """Simulate static batching: a batch takes what waits, up to the slots, and runs to its end.

    One step reads all prompts of the batch, and ends with everybody's first token. Then each step
    continues the answers, those that have ended included, until the longest has ended.

    Args:
        requests: The requests.
        step: Time of a step.
        slots: Largest batch.

    Raises:
        ValueError: ``slots`` is less than 1.

    Source: the baseline of G.-I. Yu et al., "Orca: a distributed serving system for
    transformer-based generative models", OSDI 2022.

    >>> requests = TokenRequests([0, 0, 0], [5, 5, 5], [3, 9, 3])
    >>> served = serve_static(requests, LinearStep(1.0, 0, 0, 0), slots=2)  # a second per step
    >>> served.ended_s  # the third waits for the second: nine steps, and three of its own
    array([ 3.,  9., 12.])
    """
    limit = check_integer("slots", slots, 1)
    record = _Record(requests)
    arrivals, prompts, answers = record.arrivals, record.prompts, record.answers
    now, first, count = 0.0, 0, len(arrivals)
    while first < count:
        now = max(now, arrivals[first])
        end = first + 1
        while end < count and end - first < limit and arrivals[end] <= now:
            end += 1
        batch = range(first, end)
        size, cached = end - first, sum(prompts[first:end])
        began = now
        now += record.step(step(0, 0, cached), 0)
        first_token = now
        lengths = sorted(answers[first:end])
        going, ended_at = size, {1: now}
        for done in range(2, lengths[-1] + 1):
            while lengths[size - going] < done:
                going -= 1
            cached += size
            now += record.step(step(size, cached, 0), going)
            ended_at[done] = now
        for slot, number in enumerate(batch):
            record.slot[number] = slot
            record.started[number] = began
            record.first[number] = first_token
            record.ended[number] = ended_at[answers[number]]
            record.released[number] = now
        first = end
    return record.result(limit)


def serve_continuous(
    requests: TokenRequests,
    step: StepTime,
    *,
    slots: int,
    prompt_tokens_per_step: int = 512,
    step_limit_s: float = math.inf,
) -> ServedTokens:
    """Simulate continuous batching: slots are filled again as soon as they are free.

    Every step continues all answers by a token, and reads up to so many tokens of the prompts
    that are new, the first arrived first. The step that reads the last token of a prompt ends with
    the first of its answer. The fewer tokens of prompts a step may read, the less they delay the
    other answers, and the longer the first token takes. With a limit to the step's time, prompts
    get what the answers in progress leave of it: from an objective for the time between tokens
    follows how much of a prompt to read. (Programs turn such a limit into a number of tokens.)

    Args:
        requests: The requests.
        step: Time of a step.
        slots: Answers in progress at most.
        prompt_tokens_per_step: Tokens of prompts that a step reads at most.
        step_limit_s: Time of a step beyond which it reads no more of the prompts; answers go on
            whatever they take, and a step without answers reads a token at least.

    Raises:
        ValueError: A setting is less than 1, or the limit isn't positive.

    Source: G.-I. Yu et al., "Orca: a distributed serving system for transformer-based generative
    models", OSDI 2022; prompts in pieces: A. Agrawal et al., "Taming throughput-latency tradeoff
    in LLM inference with Sarathi-Serve", OSDI 2024.

    >>> requests = TokenRequests([0, 0, 0], [5, 5, 5], [3, 9, 3])
    >>> served = serve_continuous(requests, LinearStep(1.0, 0, 0, 0), slots=2)
    >>> served.ended_s  # the third takes the first one's slot
    array([3., 9., 6.])
    """
    limit = check_integer("slots", slots, 1)
    budget = check_integer("prompt_tokens_per_step", prompt_tokens_per_step, 1)
    if step_limit_s != math.inf:
        check_number("step_limit_s", step_limit_s, 0, open_low=True)
    record = _Record(requests)
    arrivals, prompts, answers = record.arrivals, record.prompts, record.answers
    free = list(range(limit))  # a heap, so that the lowest slot is taken first
    reading: deque[list[int]] = deque()  # requests whose prompts are read, and the tokens left
    ending: list[tuple[int, int]] = []  # a heap of the last step of each answer, and its request
    now, waiting, count = 0.0, 0, len(arrivals)
    steps, cached = 0, 0  # cached: tokens that the answers in progress read in the next step
    while waiting < count or reading or ending:
        if not reading and not ending:
            now = max(now, arrivals[waiting])
        while free and waiting < count and arrivals[waiting] <= now:
            record.slot[waiting] = heapq.heappop(free)
            record.started[waiting] = now
            reading.append([waiting, prompts[waiting]])
            waiting += 1
        going = len(ending)
        allowed = left = budget
        if step_limit_s != math.inf and reading:
            allowed = left = _tokens_within(step_limit_s, step, going, cached, budget)
        read = []
        while reading and left:
            piece = min(left, reading[0][1])
            left -= piece
            reading[0][1] -= piece
            if not reading[0][1]:
                read.append(reading.popleft()[0])
        now += record.step(step(going, cached, allowed - left), going)
        steps += 1
        cached += going
        while ending and ending[0][0] == steps:
            number = heapq.heappop(ending)[1]
            cached -= prompts[number] + answers[number]
            record.ended[number] = now
            heapq.heappush(free, record.slot[number])
        for number in read:
            record.first[number] = now
            if answers[number] == 1:
                record.ended[number] = now
                heapq.heappush(free, record.slot[number])
            else:
                cached += prompts[number] + 1
                heapq.heappush(ending, (steps + answers[number] - 1, number))
    record.released = record.ended
    return record.result(limit)


def _tokens_within(limit_s: float, step: StepTime, going: int, cached: int, most: int) -> int:
    """Return how many tokens of prompts fit into a step beside its answers, up to ``most``."""
    fitting = bisect_right(range(most + 1), limit_s, key=lambda new: step(going, cached, new)) - 1
    return max(fitting, 0 if going else 1)


class _Record:
    """What happens to each request and in each step, in lists, which are quick to fill."""

    def __init__(self, requests: TokenRequests) -> None:
        self.requests = requests
        self.arrivals: list[float] = np.asarray(requests.arrivals_s).tolist()
        self.prompts: list[int] = np.asarray(requests.prompt_tokens).tolist()
        self.answers: list[int] = np.asarray(requests.answer_tokens).tolist()
        count = len(self.arrivals)
        self.slot = [0] * count
        self.started, self.first, self.ended, self.released = ([0.0] * count for _ in range(4))
        self.step_s: list[float] = []
        self.step_tokens: list[int] = []

    def step(self, seconds: float, tokens: int) -> float:
        """Add a step, and return its duration."""
        self.step_s.append(seconds)
        self.step_tokens.append(tokens)
        return seconds

    def result(self, slots: int) -> ServedTokens:
        """Return the record as arrays."""
        times = (self.started, self.first, self.ended, self.released, self.step_s)
        started, first, ended, released, step_s = (np.array(each) for each in times)
        return ServedTokens(
            requests=self.requests,
            slots=slots,
            slot=np.array(self.slot, np.int64),
            started_s=started,
            first_token_s=first,
            ended_s=ended,
            released_s=released,
            step_s=step_s,
            step_tokens=np.array(self.step_tokens, np.int64),
        )
