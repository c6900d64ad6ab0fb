"""Erlang's formulas: the probability that all servers are busy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, value_error

Array = NDArray[np.float64]

# Erlang B's recursion forgets its start: with n the smaller of servers and load, the last
# √n · START steps before n divide the start's error by more than 10²⁰.
_START = 10.0


def erlang_b(servers: ArrayLike, offered_load: ArrayLike) -> Array:
    """Return the share of requests that find all servers busy, where such requests are turned away.

        B(0) = 1,   1/B(n) = 1 + n / (a B(n-1))

    The recursion adds only positive numbers, so nothing cancels or overflows, unlike aⁿ/n! for a
    thousand servers.

    Args:
        servers: c, whole numbers of at least 1.
        offered_load: a = λ s, in erlangs, at least 0: the mean number of busy servers if there
            were always enough of them.

    Returns:
        From 0 to 1, in the arguments' common shape.

    Raises:
        ValueError: An argument is out of range, or the shapes do not match.

    Source: A. K. Erlang, 1917; the recursion: D. Jagerman, Bell System Technical Journal 53, 1974.

    >>> float(erlang_b(2, 1.0))  # (1/2) / (1 + 1 + 1/2)
    0.2
    """
    count, load = together(
        check_servers(servers), check_array("offered_load", offered_load, low=0), "offered_load"
    )
    c, a = count.ravel(), load.ravel()
    least = np.minimum(a, c)
    first = np.maximum(np.floor(least - _START * np.sqrt(least)), 0.0)
    # Far below the load, B(n) ≈ 1 - n/a; at n = 0 that is exact.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        inverse = np.where(first > 0, a / np.maximum(a - first, 1e-300), 1.0)
        for step in range(1, int((c - first).max()) + 1):
            n = first + step
            more = n <= c
            inverse = np.where(more, 1.0 + n / a * inverse, inverse)
            # Once it is infinite it stays so, as for far more servers than there is work for.
            if step % 1000 == 0 and not (more & np.isfinite(inverse)).any():
                break
        return np.asarray(1.0 / inverse).reshape(count.shape)


def erlang_c(servers: ArrayLike, offered_load: ArrayLike) -> Array:
    """Return the share of requests that find all servers busy, where such requests wait.

        C = B / (1 - ρ (1 - B)),   ρ = a / c

    Args:
        servers: c, whole numbers of at least 1.
        offered_load: a = λ s, in erlangs, at least 0 and less than c.

    Returns:
        From 0 to 1, in the arguments' common shape.

    Raises:
        ValueError: An argument is out of range, or the load is not less than c.

    Source: A. K. Erlang, 1917; R. B. Cooper, "Introduction to Queueing Theory", 2nd ed., 1981, 3.4.

    >>> round(float(erlang_c(2, 1.0)), 4)  # 0.2 / (1 - 0.5 · 0.8)
    0.3333
    """
    blocked = erlang_b(servers, offered_load)
    rho = np.asarray(offered_load, np.float64) / np.asarray(servers, np.float64)
    check_stable(rho)
    return np.asarray(blocked / (1.0 - rho * (1.0 - blocked)))


def check_stable(rho: ArrayLike) -> None:
    """Raise an error for a utilisation at which the queue grows without bound.

    Args:
        rho: Utilisations, any shape.

    Raises:
        ValueError: A utilisation is 1 or more.

    >>> check_stable(1.25)
    Traceback (most recent call last):
    ...
    ValueError: utilisation: expected less than 1. Received: 1.25. More work arrives than \
the servers can do: the queue grows without bound. Add servers, or shorten the service time.
    """
    worst = float(np.max(rho))
    if not worst < 1:
        raise value_error(
            "utilisation",
            received=f"{worst:.6g}",
            expected="less than 1",
            remedy="More work arrives than the servers can do: the queue grows without bound. "
            "Add servers, or shorten the service time.",
        )


def check_servers(value: ArrayLike) -> Array:
    """Return numbers of servers as float64 if all are whole and at least 1.

    Args:
        value: Any shape.

    Raises:
        ValueError: A number is below 1 or not whole.

    >>> float(check_servers(3))
    3.0
    """
    array = check_array("servers", value)
    wrong = (array < 1) | (array != np.floor(array))
    if wrong.any():
        received = f"{array[wrong].flat[0]:g}"
        raise value_error("servers", received=received, expected="whole numbers of at least 1")
    return array


def together(first: Array, second: Array, name: str) -> tuple[Array, Array]:
    """Return two arrays, broadcast to their common shape.

    Args:
        first: Any shape.
        second: A shape that broadcasts with that of ``first``.
        name: What the error calls ``second``.

    Raises:
        ValueError: Their shapes do not match; the message names the second.

    >>> together(np.ones(2), np.ones(()), "offered_load")[1].shape
    (2,)
    """
    try:
        one, two = np.broadcast_arrays(first, second)
    except ValueError:
        raise value_error(
            name,
            received=f"shape {second.shape}",
            expected=f"a shape that broadcasts against the other's, {first.shape}",
        ) from None
    return one, two
