"""A deployment: what serves the requests, and where."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from deployworkbook.costs.capacity.result import QUEUES
from deployworkbook.costs.estimation.profile import Profile
from deployworkbook.costs.prices.entries import MachineKind, MachineType
from deployworkbook.costs.units import check_quantity
from deployworkbook.validation import check_choice, type_error, value_error

Serving = Literal["machines", "managed", "serverless"]
# Kinds of machines on which each can serve.
KINDS: dict[Serving, tuple[MachineKind, ...]] = {
    "machines": ("cpu", "gpu", "tpu", "edge"),
    "managed": ("cpu", "gpu"),
    "serverless": ("cpu",),
}
Commitment = Literal["one year", "three years"]
# The catalogue's discount for each term.
DISCOUNTS: dict[Commitment, str] = {
    "one year": "one_year_discount_share",
    "three years": "three_year_discount_share",
}
NO_BALANCER = "none"


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
        queue: ``shared``: a request goes to the first core that is free; ``per replica``: a
            balancer sends it to a random machine, where it waits.
        measured_speed_ratio: Speed of one core of the machine where the profile was measured,
            relative to the reference core.
        serving: ``machines`` of one's own; ``managed`` ones, an endpoint of the cloud, dearer by
            the hour and with less upkeep; or ``serverless``, functions paid per request, which run
            on the kind of core that ``machine`` has.
        committed_share: Share of the busiest hour's machines that are paid for at a discount for
            a whole term, whether they run or not.
        commitment: The term: ``one year`` or ``three years``.
        balancer: Catalogue name of the load balancer, or ``none``: then clients find the machines
            by themselves, and each needs an address.
        public_ipv4: Whether balancer or machines have public IPv4 addresses, which are paid for.
        nat_gateways: NAT gateways per region, for machines without addresses of their own.
        log_lines_per_request: Lines that each request writes to the cloud's log service; 0 for no
            such log. Requests that are kept for retraining are ``Workload.logged_share``.
        root_disk_gib: Disk of each machine, for its operating system.
        log_storage: Catalogue name of the storage for logged requests, such as ``archive``;
            ``None`` for the same as for everything else.
        extra_operations_per_s: Operations per second bought beyond those that the storage has.
        extra_mib_per_s: Throughput bought beyond the storage's.
        function_mib: Memory of a serverless function; ``None`` for as much as a process needs.

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
    queue: str = "shared"
    serving: Serving = "machines"
    committed_share: float = 0.0
    commitment: Commitment = "one year"
    balancer: str = "application"
    public_ipv4: bool = True
    nat_gateways: int = 0
    log_lines_per_request: float = 1.0
    root_disk_gib: float = 8.0
    log_storage: str | None = None
    extra_operations_per_s: float = 0.0
    extra_mib_per_s: float = 0.0
    function_mib: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.profile, Profile):
            raise type_error("profile", received=type(self.profile).__name__, expected="a Profile")
        check_choice("queue", self.queue, QUEUES)
        for each in fields(self):
            value, kind = getattr(self, each.name), str(each.type)
            left_open = value is None and kind.endswith("| None")
            if kind.startswith(("int", "float")) and not left_open:
                check_quantity(each.name, each.name, value)
        check_choice("serving", self.serving, get_args(Serving))
        check_choice("commitment", self.commitment, get_args(Commitment))
        if self.spot_share + self.committed_share > 1:
            received = f"{self.committed_share:g}, and spot_share {self.spot_share:g}"
            raise value_error("committed_share", received=received, expected="together at most 1")
        if self.serving != "machines":
            self._check_without_own_machines()

    def _check_without_own_machines(self) -> None:
        refused = ["devices", "spot_share"]
        if self.serving == "serverless":
            refused += ["committed_share", "replicas"]
        for name in refused:
            if getattr(self, name):
                received = f"{getattr(self, name):g}, with serving {self.serving!r}"
                raise value_error(name, received=received, expected="none: it has no such machines")

    @property
    def variant(self) -> str:
        """Variant of the model."""
        return self.profile.variant

    @property
    def runtime(self) -> str:
        """Runtime of the model."""
        return self.profile.runtime


def check_serving(serving: Serving, machine: MachineType) -> None:
    """Check that a machine is of a kind on which something can serve.

    Args:
        serving: As in a ``Deployment``.
        machine: Machine of the catalogue.

    Raises:
        ValueError: It is not; the message lists the kinds.
    """
    if machine.kind not in KINDS[serving]:
        received = f"{machine.name} ({machine.kind}), with serving {serving!r}"
        raise value_error(
            "machine", received=received, expected=f"one of {', '.join(KINDS[serving])}"
        )
