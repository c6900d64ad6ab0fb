"""Two versions compared: by errors, accuracy and latency, each with its interval, and a verdict."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.intervals import difference_interval, quantile_interval
from deployworkbook.validation import check_integer, check_number

PROMOTE, ROLL_BACK, WAIT = "promote", "roll back", "not enough data"


@dataclass(frozen=True, eq=False)
class ArmResult:
    """What was measured of one version.

    Args:
        requests: How many it got.
        errors: How many of these failed by its own fault.
        correct: Examples classified rightly, of those whose label is known.
        examples: Of how many.
        latencies_ms: Of the requests that were answered.
    """

    requests: int
    errors: int = 0
    correct: int = 0
    examples: int = 0
    latencies_ms: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        check_integer("errors", self.errors, 0, check_integer("requests", self.requests, 0))
        check_integer("correct", self.correct, 0, check_integer("examples", self.examples, 0))


@dataclass(frozen=True)
class Criteria:
    """How much worse than the stable version a canary may be.

    Args:
        error_share: How much larger its share of failed requests may be.
        accuracy_loss: How much smaller its accuracy.
        latency_ratio: How many times as long its latency, at least 1.
        latency_quantile: Which latency: 0.5 is the median. A 99th percentile takes 368 requests of
            each version to be bounded at all.
        confidence: Of each interval, in (0, 1).

    Raises:
        ValueError: A number is out of range.
    """

    error_share: float = 0.01
    accuracy_loss: float = 0.01
    latency_ratio: float = 1.2
    latency_quantile: float = 0.5
    confidence: float = 0.95

    def __post_init__(self) -> None:
        check_number("error_share", self.error_share, 0, 1)
        check_number("accuracy_loss", self.accuracy_loss, 0, 1)
        check_number("latency_ratio", self.latency_ratio, 1)
        for name in ("latency_quantile", "confidence"):
            check_number(name, getattr(self, name), 0, 1, open_low=True, open_high=True)


@dataclass(frozen=True)
class CanaryCheck:
    """One comparison: how much worse the canary is, and how much it may be.

    Args:
        name: ``errors``, ``accuracy`` or ``latency``.
        low: The lower end of the interval of how much worse it is.
        high: The upper end.
        limit: How much worse it may be.
        text: All that in words.
    """

    name: str
    low: float
    high: float
    limit: float
    text: str

    @property
    def verdict(self) -> str:
        """``promote`` if it is surely within the limit, ``roll back`` if surely beyond."""
        if self.low > self.limit:
            return ROLL_BACK
        return PROMOTE if self.high <= self.limit else WAIT


@dataclass(frozen=True)
class CanaryComparison:
    """What to do with the canary, and why.

    Args:
        checks: Errors, accuracy and latency.
    """

    checks: tuple[CanaryCheck, ...]

    @property
    def verdict(self) -> str:
        """``roll back`` if one check says so, ``promote`` if all do, else ``not enough data``."""
        verdicts = {check.verdict for check in self.checks}
        if ROLL_BACK in verdicts:
            return ROLL_BACK
        return PROMOTE if verdicts == {PROMOTE} else WAIT

    def __str__(self) -> str:
        told = [f"- {check.name}: {check.text}: {check.verdict}" for check in self.checks]
        # As wide as a notebook's page.
        wrapped = [textwrap.fill(line, 80, subsequent_indent="  ") for line in told]
        return "\n".join([f"{self.verdict}:", *wrapped])


def compare_canary(stable: ArmResult, canary: ArmResult, criteria: Criteria) -> CanaryComparison:
    """Say whether a canary is surely no worse than it may be, surely worse, or neither.

    Errors and accuracy: Newcombe's interval of the difference. Latency: the quotient of the ends of
    both quantiles' intervals, which is wider than it need be, so it errs towards waiting.

    Args:
        stable: What was measured of the version that has proved itself.
        canary: Of the version on trial.
        criteria: How much worse it may be.

    >>> enough = ArmResult(2000, 0, 1950, 2000, np.full(2000, 1.0))
    >>> print(compare_canary(enough, enough, Criteria()).verdict)
    promote
    >>> print(compare_canary(enough, ArmResult(20, 0, 19, 20), Criteria()).verdict)
    not enough data
    """
    return CanaryComparison(
        (
            _errors(stable, canary, criteria),
            _accuracy(stable, canary, criteria),
            _latency(stable, canary, criteria),
        )
    )


def _errors(stable: ArmResult, canary: ArmResult, criteria: Criteria) -> CanaryCheck:
    counts = [(arm.errors, arm.requests) for arm in (canary, stable)]
    limit = criteria.error_share
    low, high, said = _difference(counts, criteria.confidence, "failed")
    text = said and f"{said}, up to {100 * limit:+.2f} allowed"
    return CanaryCheck("errors", low, high, limit, text or "one version got no request")


def _accuracy(stable: ArmResult, canary: ArmResult, criteria: Criteria) -> CanaryCheck:
    counts = [(arm.correct, arm.examples) for arm in (canary, stable)]
    limit = criteria.accuracy_loss
    low, high, said = _difference(counts, criteria.confidence, "right")
    text = said and f"{said}, down to {-100 * limit:+.2f} allowed"
    # How much worse, as of errors: the loss of accuracy.
    return CanaryCheck("accuracy", -high, -low, limit, text or "no labels of one version")


def _difference(
    counts: list[tuple[int, int]], confidence: float, what: str
) -> tuple[float, float, str]:
    """Bound the canary's share less the stable version's; say it, or nothing without counts."""
    canary, stable = counts
    if not canary[1] or not stable[1]:
        return -inf, inf, ""
    low, high = difference_interval(canary, stable, confidence=confidence)
    shares = [f"{part / whole:.2%} of {whole:,}" for part, whole in counts]
    text = (
        f"{shares[0]} {what}, and {shares[1]} of the stable version: {100 * low:+.2f} to "
        f"{100 * high:+.2f} points"
    )
    return low, high, text


def _latency(stable: ArmResult, canary: ArmResult, criteria: Criteria) -> CanaryCheck:
    limit, quantile = criteria.latency_ratio, criteria.latency_quantile
    name = "latency"
    if not len(stable.latencies_ms) or not len(canary.latencies_ms):
        return CanaryCheck(name, -inf, inf, limit, "one version has answered nothing")
    ends = [
        quantile_interval(arm.latencies_ms, quantile, confidence=criteria.confidence)
        for arm in (canary, stable)
    ]
    (low_c, high_c), (low_s, high_s) = ends
    low = low_c / high_s if isfinite(low_c) and isfinite(high_s) else -inf
    high = high_c / low_s if isfinite(high_c) and isfinite(low_s) else inf
    values = [float(np.quantile(arm.latencies_ms, quantile)) for arm in (canary, stable)]
    bounds = (
        f"{low:.2f} to {high:.2f} times as long"
        if isfinite(low) and isfinite(high)
        else "too few to bound it"
    )
    text = (
        f"quantile {quantile:g} at {values[0]:.2f} ms, and {values[1]:.2f} ms of the stable "
        f"version: {bounds}, up to {limit:.2f} allowed"
    )
    return CanaryCheck(name, low, high, limit, text)
