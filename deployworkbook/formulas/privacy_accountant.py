"""The privacy accountant: how much noisy training steps reveal, at most, about any one example.

A training is (ε, δ)-differentially private if adding or removing one example makes no outcome more
than e^ε times as likely, except for outcomes of total probability δ. A step of DP-SGD takes each
example with probability q and adds Gaussian noise of σ times the clip norm. How much it reveals is
its Rényi divergence at an order α, which three rules turn into ε:

1. ``subsampled_gaussian_divergence``: what one step reveals, at each order,
2. the divergences of several steps, or several trainings, add up,
3. ``epsilon_of_divergence``: the sum becomes an ε, at the order that gives the smallest.

``training_epsilon`` takes all three, and ``noise_for_epsilon`` searches for the σ of a wanted ε.

Source: I. Mironov, K. Talwar and L. Zhang, "Rényi differential privacy of the sampled Gaussian
mechanism", arXiv:1908.10530, 2019; the third rule: C. Canonne, G. Kamath and T. Steinke, "The
discrete Gaussian for differential privacy", NeurIPS 2020, proposition 12.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, check_integer, check_number, value_error

Array = NDArray[np.float64]

# Google's dp-accounting tries the same orders.
ORDERS: tuple[float, ...] = (
    *(1.0 + tenth / 10.0 for tenth in range(1, 100)),
    *map(float, range(11, 64)),
    *(128.0, 256.0, 512.0, 1024.0),
)

# Terms below e^-34 no longer change a moment, which is at least 1, by what counts.
NEGLIGIBLE = -34.0
# So many terms after the last irregular one are added up, and so many partial sums averaged.
REGULAR = 40
AVERAGED = 24
# From here on, erfc is taken from its asymptotic series; math.erfc is 0 beyond 26.
FAR = 12.0


def subsampled_gaussian_divergence(
    sampling_rate: float, noise_multiplier: float, orders: ArrayLike = ORDERS
) -> Array:
    """Return the Rényi divergence of one step at each order.

        D_α = 1/(α - 1) log E[(1 - q + q e^((2z - 1) / 2σ²))^α],   z ~ N(0, σ²)

    For a whole α the binomial theorem gives a finite sum:

        E[…] = Σ_k C(α, k) (1 - q)^(α - k) q^k e^(k (k - 1) / 2σ²)

    For another α there are two infinite sums, left and right of the z at which both terms are
    equal. With q = 1 every example takes part, and D_α = α / 2σ².

    Args:
        sampling_rate: q, probability with which a step takes an example, from 0 to 1.
        noise_multiplier: σ, standard deviation of the noise divided by the clip norm, above 0.
        orders: α, each above 1, shape ``[orders]``.

    Returns:
        Nats, at least 0, shape ``[orders]``.

    Raises:
        ValueError: A number is out of range.

    >>> subsampled_gaussian_divergence(1.0, 2.0, [2.0, 8.0])  # α / 2σ²
    array([0.25, 1.  ])
    >>> subsampled_gaussian_divergence(0.01, 1.0, [2.0]).round(6)  # log(1 + q² (e - 1))
    array([0.000172])
    """
    q = check_number("sampling_rate", sampling_rate, 0, 1)
    sigma = check_number("noise_multiplier", noise_multiplier, 0, open_low=True)
    alphas = check_array("orders", orders, ndim=1, low=1, open_low=True)
    if q == 0:
        return np.zeros_like(alphas)
    if q == 1:
        return np.asarray(alphas / (2.0 * sigma**2))
    moments = [
        _log_moment_of_whole(q, sigma, int(alpha))
        if float(alpha).is_integer()
        else _log_moment_between(q, sigma, float(alpha))
        for alpha in alphas
    ]
    # Rounding may leave a divergence of almost 0 just below it.
    return np.maximum(np.array(moments) / (alphas - 1.0), 0.0)


def epsilon_of_divergence(divergence: ArrayLike, delta: float, orders: ArrayLike = ORDERS) -> float:
    """Return the smallest ε that divergences at several orders guarantee.

        ε = min over α of  D_α + log(1 - 1/α) - log(δ α) / (α - 1)

    Args:
        divergence: D_α, the sum over all steps, at least 0, shape ``[orders]``.
        delta: δ, in (0, 1); usually below one divided by the number of examples.
        orders: α, each above 1, shape ``[orders]``.

    Returns:
        At least 0.

    Raises:
        ValueError: The shapes differ, or a number is out of range.

    >>> round(epsilon_of_divergence([0.25, 1.0], 1e-5, [2.0, 8.0]), 3)  # the second order's
    2.214
    """
    alphas = check_array("orders", orders, ndim=1, low=1, open_low=True)
    total = check_array("divergence", divergence, ndim=1, shape=alphas.shape, low=0)
    chance = check_number("delta", delta, 0, 1, open_low=True, open_high=True)
    bounds = total + np.log1p(-1.0 / alphas) - np.log(chance * alphas) / (alphas - 1.0)
    # What is revealed is so little that δ alone covers it.
    bounds = np.where(chance**2 + np.expm1(-total) > 0, 0.0, bounds)
    return max(0.0, float(bounds.min()))


@lru_cache(maxsize=512)
def training_epsilon(
    noise_multiplier: float, *, sampling_rate: float, steps: int, delta: float
) -> float:
    """Return the ε of a training by DP-SGD.

    Args:
        noise_multiplier: σ, standard deviation of the noise divided by the clip norm, above 0.
        sampling_rate: q, probability with which a step takes an example, from 0 to 1. Batches must
            be drawn like that: with batches of a fixed size, or each example once per epoch, the
            result says less than it seems to.
        steps: Number of steps, at least 0.
        delta: δ, in (0, 1).

    Raises:
        ValueError: A number is out of range.

    >>> round(training_epsilon(1.1, sampling_rate=256 / 60_000, steps=14_000, delta=1e-5), 2)
    2.59
    """
    count = check_integer("steps", steps, 0)
    one = subsampled_gaussian_divergence(sampling_rate, noise_multiplier)
    return epsilon_of_divergence(count * one, delta)


@lru_cache(maxsize=128)
def noise_for_epsilon(epsilon: float, *, sampling_rate: float, steps: int, delta: float) -> float:
    """Search for the smallest noise that keeps a training within a wanted ε, by bisection.

    Args:
        epsilon: ε, above 0.
        sampling_rate: q, from 0 to 1.
        steps: Number of steps, at least 0.
        delta: δ, in (0, 1).

    Returns:
        σ, at most 0.1 % above the smallest that keeps within ``epsilon``.

    Raises:
        ValueError: A number is out of range, or even a σ of 10,000 is too little.

    >>> sigma = noise_for_epsilon(3.0, sampling_rate=0.01, steps=1000, delta=1e-5)
    >>> 2.99 < training_epsilon(sigma, sampling_rate=0.01, steps=1000, delta=1e-5) <= 3.0
    True
    """
    wanted = check_number("epsilon", epsilon, 0, open_low=True)

    def is_enough(sigma: float) -> bool:
        spent = training_epsilon(sigma, sampling_rate=sampling_rate, steps=steps, delta=delta)
        return spent <= wanted

    low, high = 0.2, 1.0
    while not is_enough(high):
        low, high = high, 2.0 * high
        if high > 10_000:
            remedy = "Take a larger ε, fewer steps, or smaller batches."
            received, expected = f"{wanted:g}", "an ε that some noise keeps to"
            raise value_error("epsilon", received=received, expected=expected, remedy=remedy)
    while high > 1.001 * low:
        middle = math.sqrt(low * high)
        if is_enough(middle):
            high = middle
        else:
            low = middle
    return high


def _log_moment_of_whole(q: float, sigma: float, alpha: int) -> float:
    k = np.arange(alpha + 1.0)
    steps = np.log(np.arange(alpha, 0.0, -1.0) / np.arange(1.0, alpha + 1.0))
    log_binomials = np.r_[0.0, np.cumsum(steps)]
    terms = log_binomials + (alpha - k) * math.log1p(-q) + k * math.log(q)
    terms += k * (k - 1.0) / (2.0 * sigma**2)
    largest = terms.max()
    return float(largest + np.log(np.exp(terms - largest).sum()))


def _log_moment_between(q: float, sigma: float, alpha: float) -> float:
    """Sum both series (section 3.3 of Mironov et al.).

    Above α and the border, terms alternate in sign and fall only as a power of their number. The
    mean of two neighbouring partial sums is nearer to the limit than either of them, and means of
    such means are nearer still (L. Euler, 1755).
    """
    border = sigma**2 * math.log(1.0 / q - 1.0) + 0.5
    scale = math.sqrt(2.0) * sigma
    log_q, log_rest = math.log(q), math.log1p(-q)
    logs: list[tuple[float, float]] = []
    signs: list[float] = []
    log_binomial, sign, i = 0.0, 1.0, 0
    last = max(alpha, border) + REGULAR
    while i < last:
        j = alpha - i
        left = log_binomial + i * log_q + j * log_rest + i * (i - 1.0) / (2.0 * sigma**2)
        right = log_binomial + j * log_q + i * log_rest + j * (j - 1.0) / (2.0 * sigma**2)
        pair = (
            left + _log_half_erfc((i - border) / scale),
            right + _log_half_erfc((border - j) / scale),
        )
        logs.append(pair)
        signs.append(sign)
        if i > alpha and max(pair) < NEGLIGIBLE:
            break
        # C(α, i + 1) = C(α, i) (α - i) / (i + 1), which is below 0 for every second i above α.
        if j < 0:
            sign = -sign
        log_binomial += math.log(abs(j) / (i + 1.0))
        i += 1
    terms = np.array(logs)
    largest = terms.max()
    sums = np.cumsum(np.exp(terms - largest).sum(axis=1) * np.array(signs))
    ends = sums[-AVERAGED:] if i >= last else sums[-1:]
    while len(ends) > 1:
        ends = (ends[1:] + ends[:-1]) / 2.0
    return float(largest + np.log(ends[0]))


def _log_half_erfc(x: float) -> float:
    """Return log(½ erfc x), the logarithm of a Gaussian's tail, also where the tail underflows."""
    if x < FAR:
        return math.log(0.5 * math.erfc(x))
    inverse = 1.0 / (2.0 * x**2)
    series = 1.0 - inverse + 3.0 * inverse**2 - 15.0 * inverse**3
    return -(x**2) - math.log(2.0 * x * math.sqrt(math.pi)) + math.log(series)
