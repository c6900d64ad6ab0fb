"""Secure aggregation: a server learns the sum of the clients' updates and nothing about any one.

Each pair of clients shares a secret seed. The first of a pair adds the random numbers that the seed
gives, the second subtracts the same ones. What a client sends looks random; in the sum of all
clients the masks cancel exactly, because the arithmetic is that of integers modulo 2³².

This is the idea alone. A protocol also agrees on the seeds through an untrusted server, draws the
masks by a cipher (``numpy.random`` can be predicted), and recovers the masks of clients that drop
out from shares of their secrets.

Source: K. Bonawitz et al., "Practical secure aggregation for privacy-preserving machine learning",
CCS 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_integer, check_number, value_error

MODULUS = 2**32


def pair_seeds(clients: int, *, seed: int) -> list[dict[int, int]]:
    """Draw a secret seed for each pair of clients.

    Args:
        clients: Number of clients, at least 2.
        seed: Seed of the drawing.

    Returns:
        For each client, the seed that it shares with each other one.

    Raises:
        ValueError: There are fewer than two clients.

    >>> secrets = pair_seeds(3, seed=0)
    >>> sorted(secrets[0]), secrets[0][2] == secrets[2][0]
    ([1, 2], True)
    """
    count = check_integer("clients", clients, 2)
    generator = np.random.default_rng(seed)
    secrets: list[dict[int, int]] = [{} for _ in range(count)]
    for first in range(count):
        for second in range(first + 1, count):
            secrets[first][second] = secrets[second][first] = int(generator.integers(2**63))
    return secrets


def as_integers(values: ArrayLike, *, scale: float, clients: int) -> NDArray[np.uint32]:
    """Write real numbers as integers modulo 2³², in steps of a scale.

        q = round(x / s) mod 2³²

    Args:
        values: x, any shape.
        scale: s, above 0.
        clients: Number of clients whose numbers will be added up. The sum must stay within ±2³¹.

    Raises:
        ValueError: A number is too large for the sum to be read back.

    >>> as_integers([0.5, -0.25], scale=0.25, clients=2)
    array([         2, 4294967295], dtype=uint32)
    """
    numbers = check_array("values", values)
    step = check_number("scale", scale, 0, open_low=True)
    count = check_integer("clients", clients, 1)
    steps = np.rint(numbers / step)
    limit = MODULUS // 2 / count
    if np.abs(steps).max() >= limit:
        raise value_error(
            "values",
            received=f"numbers up to {np.abs(numbers).max():g}",
            expected=f"less than {limit * step:g} for {count} clients and this scale",
            remedy="Take a larger scale.",
        )
    return (steps.astype(np.int64) % MODULUS).astype(np.uint32)


def masked(
    integers: NDArray[np.uint32], client: int, secrets: Mapping[int, int]
) -> NDArray[np.uint32]:
    """Return what a client sends: its integers plus and minus the masks that it shares.

        y_u = q_u + Σ_(v > u) m_uv - Σ_(v < u) m_uv  mod 2³²

    Args:
        integers: q_u, as from ``as_integers``.
        client: u, the client's own number.
        secrets: For each other client v, the seed of m_uv.

    Raises:
        ValueError: ``integers`` are not uint32.

    >>> secrets, numbers = pair_seeds(2, seed=0), np.array([5, 7], np.uint32)
    >>> masked(numbers, 0, secrets[0]) + masked(numbers, 1, secrets[1])  # wraps around
    array([10, 14], dtype=uint32)
    """
    if integers.dtype != np.uint32:
        remedy = "Use as_integers."
        received = str(integers.dtype)
        raise value_error("integers", received=received, expected="uint32", remedy=remedy)
    total = integers.copy()
    for other, seed in secrets.items():
        mask = np.random.default_rng(seed).integers(MODULUS, size=total.shape, dtype=np.uint32)
        total = total + mask if client < other else total - mask
    return total


def sum_of_masked(sent: Sequence[NDArray[np.uint32]], *, scale: float) -> NDArray[np.float64]:
    """Add up what all clients sent, and read the sum of their real numbers.

    If one of the masks' clients is missing, the sum is random. The others must then reveal the
    seeds that they shared with it, so that the server can add ``masked(0, missing, seeds)``.

    Args:
        sent: What each client sent, as from ``masked``.
        scale: s, as in ``as_integers``.

    Raises:
        ValueError: Nothing was sent.

    >>> secrets = pair_seeds(2, seed=0)
    >>> sent = [
    ...     masked(as_integers(values, scale=0.25, clients=2), client, secrets[client])
    ...     for client, values in enumerate([[0.5, 1.0], [-0.75, 1.0]])
    ... ]
    >>> sum_of_masked(sent, scale=0.25)
    array([-0.25,  2.  ])
    """
    if not sent:
        raise value_error("sent", received="nothing", expected="what at least one client sent")
    step = check_number("scale", scale, 0, open_low=True)
    total = np.sum(np.stack(sent), axis=0, dtype=np.uint32)
    return np.asarray(total.view(np.int32) * step)
