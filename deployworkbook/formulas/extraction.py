"""Model extraction: a copy is trained on a model's answers, through nothing but its API.

What a server can do about it is to say less per answer, which ``rounded_answer`` and
``label_answer`` do, or to answer less often.

Source: F. Tramèr et al., "Stealing machine learning models via prediction APIs", USENIX Security
2016.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.formulas.distributions import check_distribution, one_hot
from deployworkbook.validation import (
    check_array,
    check_integer,
    check_number,
    check_same_shape,
)

Array = NDArray[np.float64]


def agreements(answers: ArrayLike, copies: ArrayLike) -> int:
    """Count the examples for which a copy names the same class as the model.

    Agreement measures theft better than accuracy does: a copy that repeats the mistakes knows more
    of the model than one that is merely good at the task.

    Args:
        answers: The model's probabilities or logits, shape ``[n, classes]``.
        copies: The copy's, of the same shape.

    Returns:
        From 0 to n. ``intervals.wilson_interval(count, n)`` bounds their share.

    Raises:
        ValueError: The shapes differ.

    >>> agreements([[0.9, 0.1], [0.4, 0.6]], [[0.6, 0.4], [0.7, 0.3]])
    1
    """
    first = check_array("answers", answers, ndim=2)
    second = check_array("copies", copies, ndim=2)
    check_same_shape("answers", first, "copies", second)
    return int((first.argmax(axis=1) == second.argmax(axis=1)).sum())


def rounded_answer(probabilities: ArrayLike, digits: int) -> Array:
    """Return probabilities rounded to some decimal digits.

    Args:
        probabilities: Shape ``[..., classes]``.
        digits: At least 0. With 0 only a class above one half is still named.

    Returns:
        The same shape; the sum may differ from 1 a little.

    Raises:
        ValueError: They are not probabilities, or ``digits`` is negative.

    >>> rounded_answer([0.926, 0.062, 0.012], 1)
    array([0.9, 0.1, 0. ])
    """
    known = check_distribution("probabilities", probabilities)
    return np.asarray(known.round(check_integer("digits", digits, 0)))


def label_answer(probabilities: ArrayLike) -> Array:
    """Return only the most likely class: probability 1 for it and 0 for the others.

    Args:
        probabilities: Shape ``[n, classes]``.

    Raises:
        ValueError: They are not probabilities.

    >>> label_answer([[0.9, 0.1], [0.4, 0.6]])
    array([[1., 0.],
           [0., 1.]])
    """
    known = check_distribution("probabilities", probabilities)
    return one_hot(known.argmax(axis=-1), known.shape[-1])


def extraction_hours(queries: ArrayLike, *, limit_per_minute: float, clients: int = 1) -> Array:
    """Return how long a rate limit makes an attacker wait.

        t = queries / (60 · limit · clients)

    Args:
        queries: Number of queries, at least 0, any shape.
        limit_per_minute: Queries that one client may ask per minute, above 0.
        clients: Number of clients, or tokens, that the attacker has, at least 1.

    Returns:
        Hours, the shape of ``queries``.

    Raises:
        ValueError: A number is out of range.

    >>> float(extraction_hours(6000, limit_per_minute=100))
    1.0
    """
    asked = check_array("queries", queries, low=0)
    limit = check_number("limit_per_minute", limit_per_minute, 0, open_low=True)
    return np.asarray(asked / (60.0 * limit * check_integer("clients", clients, 1)))
