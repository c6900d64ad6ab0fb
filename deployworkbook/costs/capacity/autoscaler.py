"""The rule by which Kubernetes' HorizontalPodAutoscaler chooses a number of replicas."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from deployworkbook.formulas.whole_numbers import rounded_up
from deployworkbook.validation import check_integer, check_number, value_error


@dataclass(frozen=True)
class Autoscaler:
    """A target for the mean utilisation, with Kubernetes' defaults.

    Args:
        target_utilisation: Target for each replica's utilisation, above 0, at most 1.
        min_replicas: Fewest replicas, at least 1.
        max_replicas: Most replicas, at least ``min_replicas``.
        sync_s: Seconds between two decisions (``--horizontal-pod-autoscaler-sync-period``).
        tolerance: Ratios of actual to target within 1 ± tolerance change nothing.
        stabilisation_s: Scale down only if no decision within this many seconds wanted more
            (``--horizontal-pod-autoscaler-downscale-stabilization``).
        start_up_s: Time from the decision until a new replica serves: machine, image, loading and
            warming up the model.
        surge_share: Each decision may add at most this share of the replicas,
        surge_replicas: or this many, whichever is more.

    Raises:
        TypeError: A value is not a number.
        ValueError: A value is out of range.

    Source: "Horizontal Pod Autoscaling", kubernetes.io/docs, algorithm details and default scaling
    behaviour.
    """

    target_utilisation: float = 0.6
    min_replicas: int = 1
    max_replicas: int = 1000
    sync_s: float = 15.0
    tolerance: float = 0.1
    stabilisation_s: float = 300.0
    start_up_s: float = 60.0
    surge_share: float = 1.0
    surge_replicas: int = 4

    def __post_init__(self) -> None:
        check_number("target_utilisation", self.target_utilisation, 0, 1, open_low=True)
        check_integer("min_replicas", self.min_replicas, 1)
        check_integer("max_replicas", self.max_replicas, self.min_replicas)
        check_number("sync_s", self.sync_s, 1, 3600)
        for name in ("tolerance", "stabilisation_s", "start_up_s", "surge_share"):
            check_number(name, getattr(self, name), 0)
        check_integer("surge_replicas", self.surge_replicas, 0)
        if self.surge_share == 0 and self.surge_replicas == 0:
            raise value_error(
                "surge_share", received="0, and surge_replicas 0", expected="one above 0"
            )

    def wanted(self, utilisation: float, ready: int, starting: int = 0) -> int:
        """Return the number of replicas that one reading asks for, regardless of earlier ones.

            ⌈replicas · utilisation / target⌉

        When scaling up, starting replicas count as idle; if that reverses the decision, or brings
        it within the tolerance, nothing changes.

        Args:
            utilisation: Mean of the ready replicas, from 0 to 1.
            ready: Number of serving replicas, at least 1.
            starting: Number of replicas that are still starting.

        >>> scaler = Autoscaler(target_utilisation=0.5)
        >>> scaler.wanted(0.9, 4), scaler.wanted(0.9, 4, starting=4), scaler.wanted(0.52, 4)
        (8, 8, 4)
        """
        now = ready + starting
        ratio = utilisation / self.target_utilisation
        if abs(ratio - 1.0) <= self.tolerance + 1e-9:
            return now
        if ratio > 1.0 and starting:
            ratio *= ready / now
            if ratio <= 1.0 + self.tolerance:
                return now
            return max(now, _ceiling(now * ratio))
        return _ceiling(ready * ratio)


@dataclass
class Decisions:
    """An autoscaler at work, which remembers its past decisions.

    Args:
        scaler: The rule.
    """

    scaler: Autoscaler
    _wishes: deque[tuple[float, int]] = field(default_factory=deque)

    def replicas(self, now_s: float, utilisation: float, ready: int, starting: int = 0) -> int:
        """Return how many replicas there should be from now on.

        Args:
            now_s: Current time, never less than in the previous call.
            utilisation: Mean of the ready replicas since the last decision, from 0 to 1.
            ready: Number of serving replicas, at least 1.
            starting: Number of replicas that are still starting.

        >>> decisions = Decisions(Autoscaler(target_utilisation=0.5, stabilisation_s=60.0))
        >>> decisions.replicas(0.0, 1.0, 4), decisions.replicas(15.0, 0.1, 8)
        (8, 8)
        >>> decisions.replicas(75.0, 0.1, 8)  # the decision for eight is more than a minute old
        2
        """
        rule = self.scaler
        wish = rule.wanted(utilisation, ready, starting)
        wish = min(max(wish, rule.min_replicas), rule.max_replicas)
        self._wishes.append((now_s, wish))
        while self._wishes[0][0] < now_s - rule.stabilisation_s:
            self._wishes.popleft()
        current = ready + starting
        if wish < current:
            # The highest decision within the window, but never more than there are.
            wish = min(current, max(each for _, each in self._wishes))
        most = max(
            int(rounded_up(current * (1.0 + rule.surge_share))), current + rule.surge_replicas
        )
        return min(wish, most)


def _ceiling(value: float) -> int:
    return max(1, int(rounded_up(value)))
