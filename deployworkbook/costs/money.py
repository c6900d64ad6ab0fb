"""Money: rounded to the cent once, where it is shown, so that parts sum to their whole.

Each part of a bill is rounded half up to the cent; the whole is the sum of the rounded parts, as on
an invoice. The whole so differs from the unrounded one by half a cent a part at the most.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from deployworkbook.validation import value_error

CENT = Decimal("0.01")

# Above it, float64 no longer holds the cents.
MOST_USD = 1e12


def to_cents(name: str, amount_usd: float) -> Decimal:
    """Round an amount to the cent, half up.

    The nine digits that are kept first take away what binary fractions add or lack: three hours
    at 0.075 USD are 0.225 USD, and come out as 0.22499999999999998: a cent would be lost.

    Args:
        name: What the amount is, for the message.
        amount_usd: In USD.

    Raises:
        ValueError: It is NaN, infinite, or 10¹² USD and more, where cents are lost.

    >>> to_cents("serving", 3 * 0.075)
    Decimal('0.23')
    """
    if not np.isfinite(amount_usd) or abs(amount_usd) >= MOST_USD:
        raise value_error(
            name,
            received=f"{amount_usd:g} USD",
            expected=f"an amount below {MOST_USD:g} USD",
            remedy="One of its inputs is too large.",
        )
    # Adding 0 makes 0.00 of -0.00.
    return Decimal(repr(round(float(amount_usd), 9))).quantize(CENT, ROUND_HALF_UP) + 0


def as_usd(amount: Decimal | float) -> str:
    """Write an amount for a reader.

    >>> as_usd(1234.5)
    '1,234.50 USD'
    """
    return f"{amount:z,.2f} USD"
