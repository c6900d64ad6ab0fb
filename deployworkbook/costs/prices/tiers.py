"""Prices in tiers: the first GiB at one price, the next at another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.costs.prices.entries import Tier
from deployworkbook.validation import check_array, check_same_shape, value_error

Array = NDArray[np.float64]


def amounts_in_tiers(amount: ArrayLike, ends: Sequence[float]) -> Array:
    """Split an amount into tiers.

        in tier i = min(max(amount - end of tier i-1, 0), end of tier i - end of tier i-1)

    Args:
        amount: Amounts, such as GiB per month, at least 0; any shape.
        ends: Ends of the tiers, rising; the last is infinite.

    Returns:
        Amounts per tier, on an additional last axis; they sum to the amount.

    Raises:
        ValueError: The amount is negative, or the ends do not rise to infinity.

    >>> amounts_in_tiers(63_488, [1, 10_240, 51_200, 153_600, float("inf")]).tolist()
    [1.0, 10239.0, 40960.0, 12288.0, 0.0]
    """
    whole = check_array("amount", amount, low=0)
    bounds = np.asarray([0.0, *ends])
    if len(bounds) < 2 or not (np.diff(bounds) > 0).all() or bounds[-1] != np.inf:
        raise value_error(
            "ends", received=str(list(ends)), expected="rising ends, the last infinite"
        )
    left = whole[..., None] - bounds[:-1]
    return np.asarray(np.clip(left, 0, np.diff(bounds)))


def tiered_cost(amount: ArrayLike, ends: Sequence[float], prices: Sequence[float]) -> Array:
    """Return the cost of an amount at tiered prices.

        cost = Σ_i amount in tier i · price of tier i

    Args:
        amount: Amounts, as in ``amounts_in_tiers``.
        ends: Ends of the tiers, as there.
        prices: Price per unit in each tier, in USD.

    Raises:
        ValueError: The numbers of prices and tiers differ.

    >>> round(float(tiered_cost(52_900, [51_200, 512_000, float("inf")], [0.023, 0.022, 0.021])), 2)
    1215.0
    """
    check_same_shape("ends", np.asarray(ends), "prices", np.asarray(prices))
    return np.asarray(amounts_in_tiers(amount, ends) @ np.asarray(prices, np.float64))


def cost_in_tiers(amount: ArrayLike, tiers: Sequence[Tier]) -> Array:
    """Return the cost of an amount at the catalogue's tiers, by ``tiered_cost``.

    Args:
        amount: Amounts in GiB.
        tiers: Tiers of a catalogue's entry.

    >>> float(cost_in_tiers(100.0, [Tier(0.0, 60.0), Tier(0.5)]))
    20.0
    """
    ends = [tier.up_to_gib for tier in tiers]
    return tiered_cost(amount, ends, [tier.price_usd_per_gib for tier in tiers])


def mean_usd_per_gib(amount: Array, tiers: Sequence[Tier]) -> Array:
    """Return the mean price of an amount's GiB; for nothing, 0.

    Args:
        amount: Amounts in GiB, any shape.
        tiers: Tiers of a catalogue's entry.

    >>> mean_usd_per_gib(np.array([0.0, 100.0]), [Tier(0.0, 60.0), Tier(0.5)]).tolist()
    [0.0, 0.2]
    """
    return np.asarray(cost_in_tiers(amount, tiers) / np.where(amount > 0, amount, 1.0))
