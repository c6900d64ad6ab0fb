"""Money: rounded to the cent only once, when it is shown, so that parts sum to their total.

Each part of a bill is rounded half up to the cent; the total is the sum of the rounded parts, as on
an invoice. So it differs from the unrounded total by at most half a cent per part.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from deployworkbook.validation import value_error

CENT = Decimal("0.01")

# Above this, float64 can no longer represent cents.
MOST_USD = 1e12


def to_cents(name: str, amount_usd: float) -> Decimal:
    """Round an amount to the cent, half up.

    Rounding to nine digits first removes errors of binary fractions: three hours at 0.075 USD are
    0.225 USD, but come out as 0.22499999999999998, which would lose a cent.

    Args:
        name: Name of the amount, for the error message.
        amount_usd: Amount in USD.

    Raises:
        ValueError: The amount is NaN, infinite, or at least 10¹² USD, where cents are lost.

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
    # Adding 0 turns -0.00 into 0.00.
    return Decimal(repr(round(float(amount_usd), 9))).quantize(CENT, ROUND_HALF_UP) + 0


def as_usd(amount: Decimal | float) -> str:
    """Format an amount for display.

    >>> as_usd(1234.5)
    '1,234.50 USD'
    """
    return f"{amount:z,.2f} USD"
