"""The result of the advice for tokens: every combination, what it costs, and why it lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.token_entries import (
    AcceleratorMachine,
    LanguageModel,
    TokenPrice,
)
from deployworkbook.costs.tokens.api import api_usd_per_million
from deployworkbook.costs.tokens.bill import MILLION, Terms
from deployworkbook.costs.tokens.server import TokenServer, precision_of
from deployworkbook.costs.tokens.workload import TokenWorkload

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Verdict = Literal["cheapest", "tie", "price", "memory", "first token", "between tokens"]


@dataclass(frozen=True)
class TokenChoice:
    """One combination and its result.

    Args:
        server: The server: model, devices, precision and batch.
        bits: Bits per weight, as they were asked for.
        machine: Machine whose devices it uses.
        servers: Servers in the busiest hour.
        machines: Machines that have them.
        cost_usd_per_month: Cost; infinite if it doesn't fit.
        usd_per_million: USD per million tokens, prompts and answers together, of the month's
            traffic; infinite without traffic.
        first_token_s: Time to the first token that 99 of 100 requests keep in the busiest hour.
        between_tokens_s: Time between tokens that 99 of 100 keep.
        busy_share: Share of the month in which the servers' slots are in use.
        lost_by: What excludes it: objectives that it misses, or ``("price",)``; ``("tie",)`` if it
            costs the same to the cent, ``("cheapest",)`` for the winner.
        reason: The same in a sentence, with figures.
    """

    server: TokenServer
    bits: int
    machine: AcceleratorMachine
    servers: float
    machines: float
    cost_usd_per_month: float
    usd_per_million: float
    first_token_s: float
    between_tokens_s: float
    busy_share: float
    lost_by: tuple[Verdict, ...]
    reason: str


@dataclass(frozen=True)
class TokenAdvice:
    """All combinations; arrays have the shape ``[models, bits, machines, parallel, batches]``.

    Args:
        workload: Traffic and objectives.
        models: Models.
        bits: Bits per weight.
        machines: Machines.
        parallel: Numbers of devices that share a model.
        batches: Batches.
        terms: How machines are paid for.
        cache_bits: Bits per number of the cache.
        catalog: Prices and assumptions.
        costs_usd_per_month: Costs; infinite where a combination doesn't fit.
        machines_needed: Machines; likewise.
        servers_needed: Servers in the busiest hour; likewise.
        first_token_s: Times to the first token.
        between_tokens_s: Times between tokens.
        too_large: Combinations whose weights and caches don't fit into the memory, or that need
            more devices than a machine has.
        first_too_late: Combinations that miss the objective for the first token.
        others_too_late: Combinations that miss the objective for the time between tokens.
        busy_share: Share of the month in which the slots are in use.
    """

    workload: TokenWorkload
    models: tuple[LanguageModel, ...]
    bits: tuple[int, ...]
    machines: tuple[AcceleratorMachine, ...]
    parallel: tuple[int, ...]
    batches: tuple[int, ...]
    terms: Terms
    cache_bits: float
    catalog: Catalog = field(repr=False)
    costs_usd_per_month: Array = field(repr=False)
    machines_needed: Array = field(repr=False)
    servers_needed: Array = field(repr=False)
    first_token_s: Array = field(repr=False)
    between_tokens_s: Array = field(repr=False)
    too_large: Flags = field(repr=False)
    first_too_late: Flags = field(repr=False)
    others_too_late: Flags = field(repr=False)
    busy_share: Array = field(repr=False)

    @property
    def feasible(self) -> Flags:
        """Combinations that fit and keep all objectives."""
        return np.asarray(~(self.too_large | self.first_too_late | self.others_too_late))

    @property
    def best(self) -> TokenChoice | None:
        """The cheapest combination that keeps all objectives; ``None`` if there is none.

        Of combinations that cost the same to the cent, the one listed first is best: models and
        bits as they were given, then the machine, then the fewest devices and the smallest batch.
        """
        return self.choice(self._order[0]) if self.feasible.any() else None

    def ranking(self, most: int = 10) -> list[TokenChoice]:
        """Return the cheapest combination of each model, precision and machine, in order.

        Those that keep all objectives come first.

        Args:
            most: Number of combinations at most.
        """
        seen, found = set(), []
        for flat in self._order:
            at = np.unravel_index(flat, self.too_large.shape)
            if at[:3] in seen:
                continue
            seen.add(at[:3])
            found.append(self.choice(flat))
            if len(found) == most:
                break
        return found

    def cheapest_of(
        self, *, model: str | None = None, bits: int | None = None, accelerator: str | None = None
    ) -> TokenChoice | None:
        """Return the cheapest of some combinations that keeps all objectives, or ``None``.

        Args:
            model: Name of a model; by default any.
            bits: Bits per weight; by default any.
            accelerator: Name of the devices; by default any.
        """
        wanted = np.ix_(
            np.array([model in {None, each.name} for each in self.models]),
            np.array([bits in {None, each} for each in self.bits]),
            np.array([accelerator in {None, each.accelerator.name} for each in self.machines]),
            np.ones(len(self.parallel), bool),
            np.ones(len(self.batches), bool),
        )
        chosen = np.zeros(self.too_large.shape, bool)
        chosen[wanted] = True
        able = (chosen & self.feasible).ravel()
        return next((self.choice(flat) for flat in self._order if able[flat]), None)

    def apis(self) -> list[tuple[TokenPrice, float]]:
        """Return what APIs charge a month for the same traffic, the cheapest first."""
        work = self.workload
        tokens = work.requests_per_month * (work.prompt_tokens + work.answer_tokens)
        found = [
            (
                price,
                tokens
                / MILLION
                * api_usd_per_million(price, work.prompt_tokens, work.answer_tokens),
            )
            for price in self.catalog.token_prices.values()
            if price.model in self.models
        ]
        return sorted(found, key=lambda each: each[1])

    def choice(self, flat: int | np.integer) -> TokenChoice:
        """Return the combination at a place in the flattened arrays."""
        at = np.unravel_index(int(flat), self.too_large.shape)
        _, bits, machine, _, _ = (int(each) for each in at)
        lost_by, reason = self._verdict(at)
        work, cost = self.workload, float(self.costs_usd_per_month[at])
        tokens = work.requests_per_month * (work.prompt_tokens + work.answer_tokens)
        return TokenChoice(
            server=self._server(at),
            bits=self.bits[bits],
            machine=self.machines[machine],
            servers=float(self.servers_needed[at]),
            machines=float(self.machines_needed[at]),
            cost_usd_per_month=cost,
            usd_per_million=cost / tokens * MILLION if tokens else float("inf"),
            first_token_s=float(self.first_token_s[at]),
            between_tokens_s=float(self.between_tokens_s[at]),
            busy_share=float(self.busy_share[at]),
            lost_by=lost_by,
            reason=reason,
        )

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        cents = self.costs_usd_per_month.round(2)
        return np.lexsort((cents.ravel(), ~self.feasible.ravel()))

    def _server(self, at: tuple[np.intp, ...]) -> TokenServer:
        model, bits, machine, parallel, batch = (int(each) for each in at)
        return TokenServer(
            self.models[model],
            self.machines[machine].accelerator,
            self.parallel[parallel],
            precision_of(self.bits[bits]),
            self.batches[batch],
            self.cache_bits,
        )

    def _verdict(self, at: tuple[np.intp, ...]) -> tuple[tuple[Verdict, ...], str]:
        server, work = self._server(at), self.workload
        if self.too_large[at]:
            if server.devices > self.machines[int(at[2])].devices:
                return ("memory",), f"{self.machines[int(at[2])].name} has fewer devices"
            fit = server.largest_batch(work.prompt_tokens + work.answer_tokens, self.catalog)
            weights = f"{server.weight_bytes / 1e9:,.0f} GB of weights"
            return ("memory",), f"{weights} leave room for {fit} of {server.batch} answers"
        lost: list[Verdict] = []
        said = []
        if self.first_too_late[at]:
            lost.append("first token")
            took, asked = self.first_token_s[at] * 1e3, work.first_token_objective_ms
            said.append(f"first token after {took:,.0f} ms, {asked:,g} asked")
        if self.others_too_late[at]:
            lost.append("between tokens")
            took, asked = self.between_tokens_s[at] * 1e3, work.between_tokens_objective_ms
            said.append(f"{took:,.0f} ms between tokens, {asked:,g} asked")
        if lost:
            return tuple(lost), "; ".join(said)
        cost, flat = self.costs_usd_per_month[at], int(self._order[0])
        if flat == np.ravel_multi_index(at, self.too_large.shape):
            return ("cheapest",), f"{cost:,.2f} USD per month, the cheapest"
        more = round(cost - self.costs_usd_per_month.flat[flat], 2)
        if not more:
            return ("tie",), "costs the same to the cent, but it was listed later"
        return ("price",), f"{more:,.2f} USD per month more than the cheapest"
