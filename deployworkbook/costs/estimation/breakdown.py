"""The result of an estimate: parts of four kinds, to the cent, with assumptions and sources."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from deployworkbook.costs.estimation.deployment import Deployment
from deployworkbook.costs.estimation.workload import Workload
from deployworkbook.costs.prices.entries import Assumption, Source

Kind = Literal["compute", "storage", "network", "maintenance"]
KINDS: tuple[Kind, ...] = ("compute", "storage", "network", "maintenance")


@dataclass(frozen=True)
class CostPart:
    """One line of the bill.

    Args:
        kind: One of the four kinds of cost.
        name: What is paid for.
        quantity: Quantity per month.
        unit: Unit of the quantity.
        price_usd: Price per unit; for tiered prices, their mean.
        cost_usd: Quantity × price, to the cent.
    """

    kind: Kind
    name: str
    quantity: float
    unit: str
    price_usd: float
    cost_usd: Decimal


@dataclass(frozen=True)
class CostBreakdown:
    """The cost of a deployment in a month of 730 hours.

    Args:
        workload: Workload.
        deployment: Deployment that serves it.
        parts: Lines of the bill; lines without cost and quantity are left out.
        replicas_at_peak: Machines in all regions in the busiest hour; on the edge, boards.
        replicas_needed: Machines that the objective needs in that hour: more than there are if
            ``replicas`` is given and too small.
        replicas_mean: Machines or boards on average over the week.
        predictions_per_month: Number of predictions.
        busy_share: Share of their cores or devices that is busy, on average.
        energy_kwh_per_month: Energy of machines or boards; cloud prices include it.
        carbon_kg_per_month: CO2 emissions of that energy.
        premises: Assumptions: sentences, and entries of the catalogue.
        price_sources: Sources of the prices.
    """

    workload: Workload
    deployment: Deployment
    parts: tuple[CostPart, ...]
    replicas_at_peak: int
    replicas_needed: int
    replicas_mean: float
    predictions_per_month: float
    busy_share: float
    energy_kwh_per_month: float
    carbon_kg_per_month: float
    premises: tuple[str | Assumption, ...]
    price_sources: tuple[Source, ...]

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Assumptions, each in a sentence."""
        return tuple(map(str, self.premises))

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources of the prices, each on a line."""
        return tuple(dict.fromkeys(map(str, self.price_sources)))

    @property
    def total_usd_per_month(self) -> Decimal:
        """Exact sum of the parts."""
        return sum((part.cost_usd for part in self.parts), Decimal("0.00"))

    @property
    def by_kind_usd(self) -> dict[Kind, Decimal]:
        """Exact sum of each kind's parts; they sum to the total."""
        return {
            kind: sum((part.cost_usd for part in self.parts if part.kind == kind), Decimal("0.00"))
            for kind in KINDS
        }

    @property
    def dominant(self) -> Kind:
        """Kind that costs most."""
        costs = self.by_kind_usd
        return max(KINDS, key=lambda kind: costs[kind])

    @property
    def usd_per_million_predictions(self) -> float | None:
        """Cost per million predictions; ``None`` if there are no requests."""
        if not self.predictions_per_month:
            return None
        return float(self.total_usd_per_month) / self.predictions_per_month * 1e6

    def as_dict(self) -> dict[str, Any]:
        """Return it in plain types, ready for JSON; names carry their units."""
        return {
            "variant": self.deployment.variant,
            "runtime": self.deployment.runtime,
            "profile": self.deployment.profile.kind,
            "machine": self.deployment.machine,
            "serving": self.deployment.serving,
            "balancer": self.deployment.balancer,
            "requests_per_s": self.workload.requests_per_s,
            "replicas_at_peak": self.replicas_at_peak,
            "replicas_needed": self.replicas_needed,
            "replicas_mean": self.replicas_mean,
            "predictions_per_month": self.predictions_per_month,
            "total_usd_per_month": float(self.total_usd_per_month),
            "usd_per_million_predictions": self.usd_per_million_predictions,
            "by_kind_usd": {kind: float(cost) for kind, cost in self.by_kind_usd.items()},
            "parts": [
                {
                    "kind": part.kind,
                    "name": part.name,
                    "quantity": part.quantity,
                    "unit": part.unit,
                    "price_usd": part.price_usd,
                    "cost_usd": float(part.cost_usd),
                }
                for part in self.parts
            ],
            "busy_share": self.busy_share,
            "energy_kwh_per_month": self.energy_kwh_per_month,
            "carbon_kg_per_month": self.carbon_kg_per_month,
            "assumptions": list(self.assumptions),
            "sources": list(self.sources),
        }
