"""Federated averaging: devices train on their own data, and a server averages their weights.

The images stay on the devices. What travels is a model per round and device in each direction,
which is why the size of an update counts.

Source: B. McMahan et al., "Communication-efficient learning of deep networks from decentralized
data", AISTATS 2017.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.quantization import fake_quantize, make_grid
from deployworkbook.validation import (
    check_array,
    check_integer,
    check_labels,
    check_number,
    check_same_shape,
    value_error,
)

Array = NDArray[np.float64]

FLOAT_BITS = 32
# A float32 scale per array of integers.
SCALE_BYTES = 4


def federated_mean(updates: Sequence[Sequence[ArrayLike]], examples: ArrayLike) -> list[Array]:
    """Average the clients' arrays, each weighted by its number of examples.

        w = Σ_k n_k w_k / Σ_k n_k

    Args:
        updates: For each client, one array per parameter: weights, or changes of weights.
        examples: n_k, number of examples per client, above 0, shape ``[clients]``.

    Returns:
        One array per parameter.

    Raises:
        ValueError: There are no clients, or shapes differ.

    >>> federated_mean([[[0.0, 4.0]], [[4.0, 0.0]]], [1, 3])
    [array([3., 1.])]
    """
    counts = check_array("examples", examples, ndim=1, low=0, open_low=True)
    if len(updates) != len(counts):
        received, expected = f"{len(updates)}", f"{len(counts)}, one per number of examples"
        raise value_error("updates", received=received, expected=expected)
    totals: list[Array] = [np.zeros(np.shape(values)) for values in updates[0]]
    for share, update in zip(counts / counts.sum(), updates, strict=True):
        for total, values in zip(totals, update, strict=True):
            array = check_array("updates", values)
            check_same_shape("first update", total, "update", array)
            total += share * array
    return totals


def dirichlet_split(
    labels: ArrayLike, clients: int, *, concentration: float, seed: int
) -> list[NDArray[np.int64]]:
    """Divide examples among clients of which each has classes of its own liking.

        p_c ~ Dirichlet(α, …, α): the shares of class c that the clients get

    Args:
        labels: Shape ``[n]``.
        clients: Number of clients, from 1 to n.
        concentration: α, above 0: 100 is nearly the same for all; with 0.1 a client has mostly one
            to three classes.
        seed: Seed of the shares and of who gets which example.

    Returns:
        Row numbers per client, each at least one, rising. Together they are all rows, once each.

    Raises:
        TypeError: The labels or a count are not whole numbers.
        ValueError: A number is out of range.

    Source: T.-M. H. Hsu, H. Qi and M. Brown, "Measuring the effects of non-identical data
    distribution for federated visual classification", arXiv:1909.06335, 2019.

    >>> parts = dirichlet_split([0, 0, 0, 1, 1, 1], 2, concentration=0.1, seed=0)
    >>> sorted(np.concatenate(parts).tolist())
    [0, 1, 2, 3, 4, 5]
    """
    truth = check_labels("labels", labels, np.iinfo(np.int64).max)
    count = check_integer("clients", clients, 1, len(truth))
    alpha = check_number("concentration", concentration, 0, open_low=True)
    generator = np.random.default_rng(check_integer("seed", seed, 0))
    parts: list[list[int]] = [[] for _ in range(count)]
    for label in np.unique(truth):
        rows = generator.permutation(np.flatnonzero(truth == label))
        shares = generator.dirichlet(np.full(count, alpha))
        ends = np.rint(np.cumsum(shares)[:-1] * len(rows)).astype(np.int64)
        for part, chosen in zip(parts, np.split(rows, ends), strict=True):
            part += chosen.tolist()
    for part in parts:
        if not part:
            # A client without any data would have nothing to say: the richest gives one away.
            part.append(max(parts, key=len).pop())
    return [np.sort(np.array(part, dtype=np.int64)) for part in parts]


def rounded_update(update: Sequence[ArrayLike], *, bits: int = 8) -> list[Array]:
    """Round a change of weights to integers of few bits, with a scale per array.

        Δ̂ = s round(Δ / s),  s = max |Δ| / (2^(b-1) - 1)

    Args:
        update: Δ, one array per parameter. Round changes rather than weights: they are smaller, so
            the step is finer.
        bits: b, from 2 to 16.

    Returns:
        What the server reads back, one array per parameter.

    Raises:
        ValueError: A number is out of range.

    >>> rounded_update([[0.0, 1.0, -127.0]])
    [array([   0.,    1., -127.])]
    """
    rounded = []
    for values in update:
        change = check_array("update", values)
        reach = float(np.abs(change).max())
        rounded.append(
            fake_quantize(change, make_grid(-reach, reach, bits=bits, scheme="symmetric"))
        )
    return rounded


def update_bytes(shapes: Sequence[tuple[int, ...]], *, bits: int = FLOAT_BITS) -> int:
    """Count the bytes of one model or one update on its way.

    Args:
        shapes: Shape of each parameter.
        bits: Bits per number, from 2 to 16 with a scale of 4 bytes per array, or 32 without.

    Raises:
        ValueError: ``bits`` is neither.

    >>> update_bytes([(784, 128), (128,)]), update_bytes([(784, 128), (128,)], bits=8)
    (401920, 100488)
    """
    if bits != FLOAT_BITS:
        check_integer("bits", bits, 2, 16)
    numbers = [int(np.prod(shape)) for shape in shapes]
    scales = 0 if bits == FLOAT_BITS else SCALE_BYTES * len(numbers)
    return sum(-(-count * bits // 8) for count in numbers) + scales
