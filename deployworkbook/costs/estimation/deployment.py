"""A deployment: what serves the work, and where."""

from __future__ import annotations

from dataclasses import dataclass, fields

from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.units import check_quantity
from deployworkbook.validation import type_error


@dataclass(frozen=True)
class Deployment:
    """What serves the work.

    Args:
        profile: The variant and its runtime, as measured.
        machine: The catalogue's name of what serves: a cloud machine, or an edge board.
        replicas: Machines in each region; ``None`` for as many as the latency objective needs.
        least_replicas: Machines in each region at the least, so that one may fail.
        autoscaling: Whether their number follows the hours, or stays at what the peak needs.
        spot_share: Share of the machines' hours that are bought on the spot market.
        regions: In how many regions it stands, each with its share of the requests.
        storage: The catalogue's name of where models, data and logs are kept.
        training_machine: The catalogue's name of what trains.
        devices: Edge boards in the field; 0 in the cloud.
        server_overhead_ms: What a server adds to each prediction, on a reference core; ``None`` for
            the catalogue's assumption.
        measured_speed_ratio: Speed of one core of the machine where the profile was measured, as a
            share of the reference core's.

    Raises:
        TypeError: A field is of another type.
        ValueError: A field is NaN or out of range; it is named.
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
        """The form of the model."""
        return self.profile.variant

    @property
    def runtime(self) -> str:
        """What runs it."""
        return self.profile.runtime
