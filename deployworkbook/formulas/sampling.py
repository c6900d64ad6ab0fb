"""Choosing the next token: greedily, or by chance among the likely ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.activations import softmax
from deployworkbook.formulas.distributions import check_distribution
from deployworkbook.validation import (
    check_array,
    check_integer,
    check_number,
    describe,
    type_error,
    value_error,
)

Array = NDArray[np.float64]
# From the tokens that are new to it, shape [batch, n], to the logits of the next one, shape
# [batch, vocabulary]. It keeps what it needs of earlier tokens, such as a key-value cache.
Step = Callable[[NDArray[np.int64]], ArrayLike]


def token_probabilities(
    logits: ArrayLike,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
) -> Array:
    """Return the probabilities from which the next token is drawn.

        p = softmax(z / T), of which the k largest stay, and of these the fewest that reach P

    What is left is divided by its sum. Of equal probabilities, the token with the lower number
    goes first.

    Args:
        logits: z, shape ``[..., vocabulary]``.
        temperature: T, at least 0: below 1 likely tokens get likelier; 0 is greedy.
        top_k: k, number of tokens that stay; ``None`` for all.
        top_p: P, from above 0 to 1: the likeliest tokens stay, until their probabilities sum to P.

    Returns:
        The shape of ``logits``; each row sums to 1.

    Raises:
        ValueError: A number is out of range.

    Source: top k: A. Fan, M. Lewis and Y. Dauphin, "Hierarchical neural story generation", ACL
    2018; top p: A. Holtzman et al., "The curious case of neural text degeneration", ICLR 2020.

    >>> logits = np.log([0.5, 0.3, 0.15, 0.05])
    >>> token_probabilities(logits, top_p=0.7)  # 0.5 isn't enough, 0.5 + 0.3 is
    array([0.625, 0.375, 0.   , 0.   ])
    >>> token_probabilities(logits, temperature=0)
    array([1., 0., 0., 0.])
    """
    z = check_array("logits", logits, shape=(None,))
    heat = check_number("temperature", temperature, 0)
    share = check_number("top_p", top_p, 0, 1, open_low=True)
    count = z.shape[-1] if top_k is None else check_integer("top_k", top_k, 1)
    if heat == 0:
        heat, count = 1.0, 1
    # Subtract the maximum and cut before dividing: a tiny temperature would let quotients overflow.
    p = softmax(np.maximum(z - z.max(axis=-1, keepdims=True), -1e30 * heat) / heat)
    if count >= z.shape[-1] and share == 1.0:
        return p
    order = np.argsort(-z, axis=-1, kind="stable")
    ranked = np.take_along_axis(p, order, axis=-1)
    ranked[..., count:] = 0.0
    ranked /= ranked.sum(axis=-1, keepdims=True)
    if share < 1.0:
        before = np.cumsum(ranked, axis=-1) - ranked
        # The last digit of a sum doesn't decide whether a token is needed.
        ranked[before >= share - 1e-12] = 0.0
        ranked /= ranked.sum(axis=-1, keepdims=True)
    kept = np.empty_like(p)
    np.put_along_axis(kept, order, ranked, axis=-1)
    return kept


def draw_tokens(
    probabilities: ArrayLike, *, seed: int | np.random.Generator = 0
) -> NDArray[np.int64]:
    """Draw a token from each row of probabilities.

    Args:
        probabilities: Shape ``[..., vocabulary]``; each row sums to 1.
        seed: Seed of the random numbers, or a generator, which goes on from where it is.

    Returns:
        Numbers of tokens, shape ``[...]``; never one with a probability of 0.

    Raises:
        ValueError: A row isn't a distribution, or the seed is negative.

    >>> draw_tokens([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], seed=0)
    array([1, 2])
    """
    p = check_distribution("probabilities", probabilities)
    generator = _generator(seed)
    running = np.cumsum(p, axis=-1)
    place = generator.random(p.shape[:-1])[..., None] * running[..., -1:]
    drawn = (running <= place).sum(axis=-1)
    # By rounding, a place could be the total, beyond the last token that has a probability.
    last = p.shape[-1] - 1 - np.argmax(p[..., ::-1] > 0, axis=-1)
    return np.asarray(np.minimum(drawn, last), dtype=np.int64)


def generate(
    step: Step,
    prompt: ArrayLike,
    *,
    tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    seed: int = 0,
) -> NDArray[np.int64]:
    """Continue a prompt: predict, draw, and append, one token after the other.

    The first call of ``step`` gets the whole prompt (prefill), each later one the token that was
    just drawn (decode).

    Args:
        step: From the new tokens, shape ``[batch, n]``, to the logits of the next one, shape
            ``[batch, vocabulary]``.
        prompt: Whole numbers, shape ``[batch, n]``.
        tokens: Number of tokens to append.
        temperature: Of ``token_probabilities``; 0 is greedy.
        top_k: Of ``token_probabilities``.
        top_p: Of ``token_probabilities``.
        seed: Seed of the random numbers; with the same logits, the result depends on nothing else.

    Returns:
        The new tokens, shape ``[batch, tokens]``.

    Raises:
        TypeError: The prompt doesn't consist of whole numbers.
        ValueError: A number is out of range.

    >>> def count_up(new):  # after token i comes token i + 1
    ...     return np.log(np.eye(5)[(new[:, -1] + 1) % 5] + 1e-9)
    >>> generate(count_up, [[0, 1], [2, 3]], tokens=3, temperature=0)
    array([[2, 3, 4],
           [4, 0, 1]])
    """
    new = np.asarray(prompt)
    if new.dtype.kind not in "ui":
        raise type_error("prompt", received=describe(prompt), expected="whole numbers")
    if new.ndim != 2 or not new.size:
        raise value_error("prompt", received=describe(new), expected="shape [batch, n]")
    generator = _generator(seed)
    written = []
    for _ in range(check_integer("tokens", tokens, 1)):
        probabilities = token_probabilities(
            step(new), temperature=temperature, top_k=top_k, top_p=top_p
        )
        written.append(draw_tokens(probabilities, seed=generator))
        new = written[-1][:, None]
    return np.stack(written, axis=1)


def _generator(seed: int | np.random.Generator) -> np.random.Generator:
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(check_integer("seed", seed, 0))
