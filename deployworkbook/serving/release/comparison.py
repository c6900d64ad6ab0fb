"""Compare two versions by errors, accuracy and latency, with intervals and a verdict."""

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
    """The measurements of one version.

    Args:
        requests: Number of requests.
        errors: How many of them failed through the version's fault.
        correct: Number of examples classified correctly, of those with a known label.
        examples: Number of examples with a known label.
        latencies_ms: The latency of each answered request, in ms.
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
        accuracy_loss: How much lower its accuracy may be.
        latency_ratio: How many times as long its latency may be, at least 1.
        latency_quantile: Which quantile of latency: 0.5 is the median. To bound the 99th percentile
            at all takes 368 requests per version.
        confidence: Confidence of each interval, in (0, 1).

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
    """One comparison: how much worse the canary is, and how much worse it may be.

    Args:
        name: ``errors``, ``accuracy`` or ``latency``.
        low: How much worse it is, lower end of the interval.
        high: How much worse it is, upper end.
        limit: How much worse it may be.
        text: The comparison in words.
    """

    name: str
    low: float
    high: float
    limit: float
    text: str

    @property
    def verdict(self) -> str:
        """``promote`` if the whole interval is within the limit, ``roll back`` if all is beyond."""
        if self.low > self.limit:
            return ROLL_BACK
        return PROMOTE if self.high <= self.limit else WAIT


@dataclass(frozen=True)
class CanaryComparison:
    """What to do with the canary, and why.

    Args:
        checks: The checks of errors, accuracy and latency.
    """

    checks: tuple[CanaryCheck, ...]

    @property
    def verdict(self) -> str:
        """``roll back`` if any check says so, ``promote`` if all do, else ``not enough data``."""
        verdicts = {check.verdict for check in self.checks}
        if ROLL_BACK in verdicts:
            return ROLL_BACK
        return PROMOTE if verdicts == {PROMOTE} else WAIT

    def __str__(self) -> str:
        told = [f"- {check.name}: {check.text}: {check.verdict}" for check in self.checks]
        # The width of a notebook's page.
        wrapped = [textwrap.fill(line, 80, subsequent_indent="  ") for line in told]
        return "\n".join([f"{self.verdict}:", *wrapped])


def compare_canary(stable: ArmResult, canary: ArmResult, criteria: Criteria) -> CanaryComparison:
    """Decide whether a canary is within the criteria, beyond them, or not yet certain.

    For errors and accuracy, this uses Newcombe's interval for a difference. For latency, it divides
    the ends of the two quantiles' intervals, which is wider than necessary and so errs towards
    waiting.

    Args:
        stable: The measurements of the proven version.
        canary: The measurements of the version on trial.
        criteria: How much worse the canary may be.

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
    # As for errors, positive means worse: the loss of accuracy.
    return CanaryCheck("accuracy", -high, -low, limit, text or "no labels of one version")


def _difference(
    counts: list[tuple[int, int]], confidence: float, what: str
) -> tuple[float, float, str]:
    """Bound and describe the canary's share minus the stable one's; empty text without counts."""
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
