"""Money: rounded to the cent once, where it is shown, so that parts sum to their whole.

Each part of a bill is rounded half up to the cent; the whole is the sum of the rounded parts, as on
an invoice. The whole so differs from the unrounded one by half a cent a part at the most.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from deployworkbook.validation import message

CENT = Decimal("0.01")

# Above it, float64 no longer holds the cents.
MOST_USD = 1e12


def to_cents(name: str, amount_usd: float) -> Decimal:
    """Round an amount to the cent, half up.

    The nine digits that are kept first take away what binary fractions add: 0.005 USD is stored
    as 0.005000000000000000104.

    Args:
        name: What the amount is, for the message.
        amount_usd: In USD.

    Raises:
        ValueError: It is NaN, infinite, or 10¹² USD and more, where cents are lost.

    >>> to_cents("requests", 0.248)
    Decimal('0.25')
    """
    if not np.isfinite(amount_usd) or abs(amount_usd) >= MOST_USD:
        raise ValueError(
            message(
                name,
                received=f"{amount_usd:g} USD",
                expected=f"an amount below {MOST_USD:g} USD",
                remedy="One of its inputs is too large.",
            )
        )
    return Decimal(repr(round(float(amount_usd), 9))).quantize(CENT, ROUND_HALF_UP)


def as_usd(amount: Decimal | float) -> str:
    """Write an amount for a reader.

    >>> as_usd(1234.5)
    '1,234.50 USD'
    """
    return f"{amount:,.2f} USD"
