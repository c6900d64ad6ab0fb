"""The result of the advice: every combination, what it costs, and why it lost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.entries import MachineType
from deployworkbook.costs.units import GIB

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Verdict = Literal["cheapest", "tie", "price", "server", "accuracy", "memory", "latency"]


@dataclass(frozen=True)
class Candidate:
    """One combination and its result.

    Args:
        profile: Variant and runtime.
        machine: Machine that serves it.
        cost_usd_per_month: Cost; infinite if it cannot serve at all.
        replicas: Machines at the peak, or boards.
        lost_by: All that excludes it: objectives that it misses, or ``"server"`` if there is none
            for its runtime. ``("price",)`` if nothing does but another is cheaper, ``("tie",)`` if
            it costs the same to the cent, ``("cheapest",)`` for the winner.
        reason: The same in a sentence, with figures.
    """

    profile: Profile
    machine: MachineType
    cost_usd_per_month: float
    replicas: float
    lost_by: tuple[Verdict, ...]
    reason: str


@dataclass(frozen=True)
class Advice:
    """All combinations; arrays have the shape ``[profiles, machines]``.

    Args:
        workload: Workload.
        profiles: Profiles, the rows.
        machines: Machines, the columns.
        like: Deployment with what all combinations share.
        catalog: Prices and assumptions.
        accuracy_objective_share: Accuracy objective.
        memory_objective_bytes: Most memory that a process may take.
        costs_usd_per_month: Costs, unrounded; infinite where a combination cannot serve.
        replicas: Replicas at the peak; infinite where no number is enough.
        inaccurate: Combinations that miss the accuracy objective.
        too_large: Combinations that need more memory than is allowed, or than the machine has.
        too_slow: Combinations that miss the latency objective with any number of replicas.
        unservable: Combinations for whose runtime there is no server.
        frontier: Combinations that are the cheapest of their profile, and that no other profile
            beats in both cost and accuracy.
    """

    workload: Workload
    profiles: tuple[Profile, ...]
    machines: tuple[MachineType, ...]
    like: Deployment
    catalog: Catalog = field(repr=False)
    accuracy_objective_share: float
    memory_objective_bytes: float
    costs_usd_per_month: Array = field(repr=False)
    replicas: Array = field(repr=False)
    inaccurate: Flags = field(repr=False)
    too_large: Flags = field(repr=False)
    too_slow: Flags = field(repr=False)
    unservable: Flags = field(repr=False)
    frontier: Flags = field(repr=False)

    @property
    def feasible(self) -> Flags:
        """Combinations that can be served and meet all objectives."""
        return np.asarray(self.would_hold & ~self.unservable)

    @property
    def would_hold(self) -> Flags:
        """Combinations that meet all objectives, if there is a server for them."""
        return np.asarray(~(self.inaccurate | self.too_large | self.too_slow))

    @property
    def best(self) -> Candidate | None:
        """The cheapest combination that meets all objectives; ``None`` if there is none.

        Of combinations that cost the same to the cent, the one with the smallest file is best, then
        the one that costs less by fractions of a cent, then the first. Accuracy doesn't decide:
        all of them meet the objective, and test accuracies differ by chance.
        """
        return None if self._best is None else self.choice(*self._best)

    @property
    def ties(self) -> list[Candidate]:
        """Other combinations that meet all objectives and cost the same as the best to the cent."""
        return [each for each in self.choices() if each.lost_by == ("tie",)]

    @property
    def missed(self) -> Candidate | None:
        """The cheapest that would hold all objectives, if it lacks only a server; else ``None``."""
        costs = np.where(self.would_hold, self.costs_usd_per_month.round(2), np.inf)
        at = divmod(int(costs.argmin()), len(self.machines))
        least = np.inf if self.best is None else round(self.best.cost_usd_per_month, 2)
        return self.choice(*at) if costs[at] < least and self.unservable[at] else None

    def choices(self) -> list[Candidate]:
        """Return all combinations: those that meet all objectives first, each group by cost."""
        return [self.choice(*divmod(int(flat), len(self.machines))) for flat in self._order]

    def choice(self, profile: int, machine: int) -> Candidate:
        """Return the combination at a row and a column."""
        at = (profile, machine)
        lost_by, reason = self._verdict(at)
        return Candidate(
            profile=self.profiles[profile],
            machine=self.machines[machine],
            cost_usd_per_month=float(self.costs_usd_per_month[at]),
            replicas=float(self.replicas[at]),
            lost_by=lost_by,
            reason=reason,
        )

    def on_frontier(self) -> list[Candidate]:
        """Return the frontier of cost against accuracy, the cheapest first."""
        rows, columns = np.nonzero(self.frontier)
        order = np.argsort(self.costs_usd_per_month[rows, columns], kind="stable")
        return [self.choice(int(rows[k]), int(columns[k])) for k in order]

    def cheapest_of(
        self, *, variant: str | None = None, runtime: str | None = None
    ) -> Candidate | None:
        """Return a variant's or runtime's cheapest combination that can serve, at any accuracy.

        ``None`` if none can. It says what another variant would have cost.
        """
        of_kind = [
            variant in {None, profile.variant} and runtime in {None, profile.runtime}
            for profile in self.profiles
        ]
        unable = self.too_large | self.too_slow | self.unservable
        able = ~unable & np.asarray(of_kind)[:, None]
        if not able.any():
            return None
        cost = np.where(able, self.costs_usd_per_month, np.inf)
        return self.choice(*divmod(int(cost.argmin()), len(self.machines)))

    def deployment(self, choice: Candidate) -> Deployment:
        """Return the deployment of a choice, for ``estimate``."""
        return deployment_of(self.like, choice.profile, choice.machine)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        cents = self.costs_usd_per_month.round(2)
        size = np.array([[profile.model_bytes] for profile in self.profiles])
        # The last counts first.
        keys = (self.costs_usd_per_month, size, cents, ~self.feasible)
        return np.lexsort([np.broadcast_to(key, cents.shape).ravel() for key in keys])

    @cached_property
    def _best(self) -> tuple[int, int] | None:
        if not self.feasible.any():
            return None
        row, column = divmod(int(self._order[0]), len(self.machines))
        return row, column

    def _verdict(self, at: tuple[int, int]) -> tuple[tuple[Verdict, ...], str]:
        profile, machine = self.profiles[at[0]], self.machines[at[1]]
        lost: list[Verdict] = []
        said: list[str] = []
        if self.unservable[at]:
            lost.append("server")
            said.append(f"no server for {profile.runtime} yet")
        if self.inaccurate[at]:
            lost.append("accuracy")
            asked = self.accuracy_objective_share
            said.append(f"{profile.accuracy_share:.2%} accurate, {asked:.2%} asked")
        if self.too_large[at]:
            lost.append("memory")
            there = machine.process_memory_gib * GIB * self.catalog.value("memory_limit_share")
            room, need = min(self.memory_objective_bytes, there), profile.memory_bytes
            said.append(f"{need / 1e6:,.0f} MB per process, {room / 1e6:,.0f} MB available")
        if self.too_slow[at]:
            lost.append("latency")
            objective = self.workload.latency_objective_ms
            said.append(f"p99 of {objective:g} ms cannot be met on {machine.name}")
        if lost:
            return tuple(lost), "; ".join(said)
        cost = self.costs_usd_per_month[at]
        if at == self._best or self._best is None:
            return ("cheapest",), f"{cost:,.2f} USD per month, the cheapest"
        more = cost - self.costs_usd_per_month[self._best]
        if round(cost, 2) == round(self.costs_usd_per_month[self._best], 2):
            larger = profile.model_bytes > self.profiles[self._best[0]].model_bytes
            why = "its file is larger" if larger else "it was listed later"
            return ("tie",), f"costs the same to the cent, but {why}"
        return ("price",), f"{more:,.2f} USD per month more than the cheapest"


def deployment_of(like: Deployment, profile: Profile, machine: MachineType) -> Deployment:
    """Return the deployment of a profile on a machine, otherwise like another one."""
    devices = like.devices if machine.kind == "edge" else 0
    return replace(like, profile=profile, machine=machine.name, devices=devices)
