"""A deployment: what serves the requests, and where."""

from __future__ import annotations

from dataclasses import dataclass, fields

from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.units import check_quantity
from deployworkbook.validation import type_error


@dataclass(frozen=True)
class Deployment:
    """The machines or boards that serve a workload.

    Args:
        profile: Measured variant and runtime.
        machine: Catalogue name of the cloud machine or edge board that serves.
        replicas: Machines per region; ``None`` for as many as the latency objective needs.
        least_replicas: Fewest machines per region, so that one may fail.
        autoscaling: Whether the number of machines follows the load, or stays at the peak's.
        spot_share: Share of the machine hours that are bought on the spot market.
        regions: Number of regions; each serves an equal share of the requests.
        storage: Catalogue name of the storage for models, data and logs.
        training_machine: Catalogue name of the machine that trains.
        devices: Number of edge boards; 0 in the cloud.
        server_overhead_ms: Time that a server adds to each prediction, on a reference core;
            ``None`` for the catalogue's assumption.
        measured_speed_ratio: Speed of one core of the machine where the profile was measured,
            relative to the reference core.

    Raises:
        TypeError: A field has the wrong type.
        ValueError: A field is NaN or out of range; the message names it.
    """

    profile: Profile
    machine: str = "c7g.large"
    replicas: int | None = None
    least_replicas: int = 2
    autoscaling: bool = False
    spot_share: float = 0.0
    regions: int = 1
    storage: str = "object"
    training_machine: str = "c7i.xlarge"
    devices: int = 0
    server_overhead_ms: float | None = None
    measured_speed_ratio: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.profile, Profile):
            raise type_error("profile", received=type(self.profile).__name__, expected="a Profile")
        for each in fields(self):
            value, kind = getattr(self, each.name), str(each.type)
            left_open = value is None and kind.endswith("| None")
            if kind.startswith(("int", "float")) and not left_open:
                check_quantity(each.name, each.name, value)

    @property
    def variant(self) -> str:
        """Variant of the model."""
        return self.profile.variant

    @property
    def runtime(self) -> str:
        """Runtime of the model."""
        return self.profile.runtime
