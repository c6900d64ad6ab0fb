"""Measure how fast decoders read a prompt (prefill) and write after it (decode)."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.runtimes.onnx_decoder import Decoder
from deployworkbook.runtimes.timing import processor_clock
from deployworkbook.validation import check_integer, value_error


@dataclass(frozen=True)
class DecodingSpeed:
    """Times of a batch of sequences that a decoder continued.

    Args:
        batch: Sequences at once.
        prompt_tokens: Tokens of each prompt.
        prefill_s: Seconds per prefill, one per round.
        step_s: Seconds per decoding step, of all rounds.
    """

    batch: int
    prompt_tokens: int
    prefill_s: tuple[float, ...] = field(repr=False)
    step_s: tuple[float, ...] = field(repr=False)

    @property
    def first_token_s(self) -> float:
        """Median time to the first token: that of the prefill."""
        return float(np.median(self.prefill_s))

    @property
    def fastest_step_s(self) -> float:
        """Shortest decoding step: what the decoder can do when nothing disturbs it."""
        return min(self.step_s)

    def ratio_to(self, other: DecodingSpeed) -> tuple[float, tuple[float, float]]:
        """Return how many times as long a step takes as another decoder's, with a 95 % interval.

        Rounds are compared in pairs, since both decoders were measured in turns: by the median step
        of each, and the geometric mean of the ratios.

        Args:
            other: The other decoder's times, from the same call of ``measure_decoding``.

        Raises:
            ValueError: There are fewer than two rounds, or their numbers differ.
        """
        rounds = len(self.prefill_s)
        if rounds < 2 or rounds != len(other.prefill_s):
            raise value_error(
                "rounds",
                received=f"{rounds} and {len(other.prefill_s)}",
                expected="the same number of both, at least 2",
            )
        steps = [np.reshape(each.step_s, (rounds, -1)) for each in (self, other)]
        own, others = (np.median(each, axis=1) for each in steps)
        ratios = np.log(own / others)
        low, high = (math.exp(end) for end in mean_interval(ratios))
        return math.exp(ratios.mean()), (low, high)

    @property
    def prefill_tokens_per_s(self) -> float:
        """Prompt tokens of all sequences per second."""
        return self.batch * self.prompt_tokens / self.first_token_s

    @property
    def decode_tokens_per_s(self) -> float:
        """Written tokens of all sequences per second, by the median step."""
        return self.batch / float(np.median(self.step_s))


def measure_decoding(
    decoders: Mapping[str, Decoder],
    *,
    vocabulary: int,
    batch: int = 1,
    prompt_tokens: int = 32,
    new_tokens: int = 16,
    rounds: int = 3,
    processor_time: bool = False,
    warm_up: bool = True,
) -> dict[str, DecodingSpeed]:
    """Time prefill and decode of several decoders, in turns.

    Tokens are drawn at random: which they are makes no difference to the time.

    Args:
        decoders: Decoders by name.
        vocabulary: Number of different tokens.
        batch: Sequences at once.
        prompt_tokens: Tokens of each prompt.
        new_tokens: Decoding steps after each prefill.
        rounds: Number of turns per decoder; the order is drawn again in each round.
        processor_time: Whether to count the time that this process computes, rather than the time
            that passes: for decoders of one thread, so that other programs don't count
            (``processor_clock``).
        warm_up: Whether a first round runs that doesn't count, as the first steps of a runtime
            take longer.

    Returns:
        Times by name, in the order of ``decoders``.
    """
    for name, value in (("batch", batch), ("prompt_tokens", prompt_tokens)):
        check_integer(name, value, 1)
    check_integer("new_tokens", new_tokens, 1)
    check_integer("rounds", rounds, 1)
    clock = processor_clock() if processor_time else time.perf_counter
    names = list(decoders)
    draw = np.random.default_rng(0)
    prompt = draw.integers(0, vocabulary, (batch, prompt_tokens))
    steps = draw.integers(0, vocabulary, (new_tokens, batch, 1))
    prefills: dict[str, list[float]] = {name: [] for name in names}
    decodes: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(-int(warm_up), rounds):
        for place in draw.permutation(len(names)):
            name = names[place]
            sequence = decoders[name].start()
            times = []
            for tokens in (prompt, *steps):
                start = clock()
                sequence(tokens)
                times.append(clock() - start)
            if turn >= 0:
                prefills[name].append(times[0])
                decodes[name] += times[1:]
    return {
        name: DecodingSpeed(batch, prompt_tokens, tuple(prefills[name]), tuple(decodes[name]))
        for name in names
    }
