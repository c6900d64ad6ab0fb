"""The result of an advice: every combination, what it costs, and why it lost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.catalog import Catalog, MachineType
from deployworkbook.costs.units import GIB

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
CENT_USD = 0.01
Verdict = Literal["cheapest", "price", "accuracy", "memory", "latency"]


@dataclass(frozen=True)
class Candidate:
    """One combination, and what became of it.

    Args:
        profile: Variant and runtime.
        machine: What serves.
        cost_usd_per_month: Infinite where it cannot serve at all.
        replicas: Machines at the peak, or boards.
        lost_by: All that it fails; ``("price",)`` if it fails nothing and another is cheaper,
            ``("cheapest",)`` for the winner.
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
    """All combinations, ordered as asked; arrays have the shape ``[profiles, machines]``.

    Args:
        workload: The work.
        profiles: The rows.
        machines: The columns.
        like: What all combinations share.
        catalog: Whose prices.
        accuracy_objective_share: Accuracy that is asked.
        memory_objective_bytes: Most memory that a process may take.
        costs_usd_per_month: Unrounded; infinite where a combination cannot serve.
        replicas: At the peak; infinite where no number is enough.
        inaccurate: Which miss the accuracy.
        too_large: Which take more memory than is allowed, or than the machine has.
        too_slow: Which cannot hold the latency objective with any number of replicas.
        frontier: Which are the cheapest of their profile, and beaten by no other profile in both
            cost and accuracy.
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
    frontier: Flags = field(repr=False)

    @property
    def feasible(self) -> Flags:
        """Which hold all objectives."""
        return np.asarray(~(self.inaccurate | self.too_large | self.too_slow))

    @property
    def best(self) -> Candidate | None:
        """The cheapest that holds all objectives; ``None`` where none holds them.

        Costs that are equal to the cent are equal: of these the more accurate is better, then the
        quicker, then the first.
        """
        return None if self._best is None else self.choice(*self._best)

    def choices(self) -> list[Candidate]:
        """List all combinations: the cheapest that hold all objectives first, then the others."""
        return [self.choice(*divmod(int(flat), len(self.machines))) for flat in self._order]

    def choice(self, profile: int, machine: int) -> Candidate:
        """Describe one combination by its row and column."""
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
        """List the frontier of cost against accuracy, the cheapest first."""
        rows, columns = np.nonzero(self.frontier)
        order = np.argsort(self.costs_usd_per_month[rows, columns], kind="stable")
        return [self.choice(int(rows[k]), int(columns[k])) for k in order]

    def cheapest_of(
        self, *, variant: str | None = None, runtime: str | None = None
    ) -> Candidate | None:
        """Return the cheapest that can serve among one variant or runtime, whatever its accuracy.

        ``None`` where none can. It says what another form would have cost.
        """
        of_kind = [
            variant in {None, profile.variant} and runtime in {None, profile.runtime}
            for profile in self.profiles
        ]
        able = ~(self.too_large | self.too_slow) & np.asarray(of_kind)[:, None]
        if not able.any():
            return None
        cost = np.where(able, self.costs_usd_per_month, np.inf)
        return self.choice(*divmod(int(cost.argmin()), len(self.machines)))

    def deployment(self, choice: Candidate) -> Deployment:
        """Give the deployment of a choice, for ``estimate``."""
        return deployment_of(self.like, choice.profile, choice.machine)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        cents = self.costs_usd_per_month.round(2)
        accuracy = np.array([[profile.accuracy_share] for profile in self.profiles])
        time = np.array([[profile.service_ms] for profile in self.profiles])
        keys = (time, -accuracy, cents, ~self.feasible)  # the last counts first
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
        if self.inaccurate[at]:
            lost.append("accuracy")
            asked = self.accuracy_objective_share
            said.append(f"{profile.accuracy_share:.2%} accurate, {asked:.2%} asked")
        if self.too_large[at]:
            lost.append("memory")
            there = machine.process_memory_gib * GIB * self.catalog.value("memory_limit_share")
            room, need = min(self.memory_objective_bytes, there), profile.memory_bytes
            said.append(f"{need / 1e6:,.0f} MB a process, {room / 1e6:,.0f} MB for it")
        if self.too_slow[at]:
            lost.append("latency")
            objective = self.workload.latency_objective_ms
            said.append(f"p99 of {objective:g} ms cannot be held on {machine.name}")
        if lost:
            return tuple(lost), "; ".join(said)
        cost = self.costs_usd_per_month[at]
        if at == self._best or self._best is None:
            return ("cheapest",), f"{cost:,.2f} USD a month, the cheapest"
        more = cost - self.costs_usd_per_month[self._best]
        if more < CENT_USD:
            return ("price",), "costs the same to the cent, and is no more accurate or quicker"
        return ("price",), f"{more:,.2f} USD a month more than the cheapest"


def deployment_of(like: Deployment, profile: Profile, machine: MachineType) -> Deployment:
    """Give the deployment of one profile on one machine, otherwise like another."""
    devices = like.devices if machine.kind == "edge" else 0
    return replace(like, profile=profile, machine=machine.name, devices=devices)
