"""A measurement of one variant of the model in one runtime, and where it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal

from deployworkbook.ledger.machine import Machine
from deployworkbook.validation import (
    check_choice,
    check_integer,
    check_number,
    describe,
    type_error,
    value_error,
)

Kind = Literal["measured", "modelled"]


_TEXTS = (
    *("variant", "runtime", "runtime_version", "dataset", "dataset_fingerprint"),
    *("lesson", "kind", "note", "made_by"),
)
_WHOLE = (
    *("size_bytes", "compressed_bytes", "correct", "examples", "peak_memory_bytes"),
    *("flash_bytes", "ram_bytes"),
)
_NUMBERS = (
    *("latency_p50_ms", "latency_p99_ms", "load_ms", "ready_ms", "service_load_per_s"),
    "instructions_per_image",
)


@dataclass(frozen=True)
class Measurement:
    """One row of the ledger: the results of one variant of the model in one runtime.

    Args:
        variant: Name of the variant, such as ``float32`` or ``int8``.
        runtime: Name of the runtime.
        runtime_version: Version of the runtime.
        dataset: ``mnist`` or ``digits``.
        dataset_fingerprint: Hash of the data set's images and labels.
        lesson: Notebook that measured it; empty outside the lessons.
        kind: ``"measured"`` on the machine, or ``"modelled"`` from other figures.
        size_bytes: Size of the artifact on disk.
        compressed_bytes: Size of the zipped artifact.
        correct: Number of correctly classified test images.
        examples: Number of test images.
        latency_p50_ms: Median time per image, in ms.
        latency_p99_ms: 99th percentile of the time per image, in ms.
        throughput_per_s: Images per second, by batch size.
        peak_memory_bytes: Peak memory of a process that only loads the artifact and predicts.
        threads: Number of threads per prediction.
        load_ms: Time in which a fresh process loaded the artifact, after importing the runtime.
        ready_ms: Time from the start of that process to its first prediction: import, loading and
            predicting.
        service_load_per_s: Requests per second that a server got while ``service_times_ms`` were
            measured.
        service_times_ms: How long requests occupied that server, in their order, in ms.
        note: Anything else worth recording.
        made_by: Hash of everything the variant was made from (data, settings, code), to find it
            again; may be empty.
        flash_bytes: Flash that code and weights take on a microcontroller.
        ram_bytes: RAM that the program takes there, its stack included.
        instructions_per_image: Mean number of instructions per image there, as an emulator counted
            them. The time they take is modelled for each chip and is no part of the row.

    Raises:
        TypeError: A figure is not a number, or a name is not text.
        ValueError: A figure is negative or not finite, or ``correct`` exceeds ``examples``.
    """

    variant: str
    runtime: str
    runtime_version: str
    dataset: str
    dataset_fingerprint: str
    lesson: str = ""
    kind: Kind = "measured"
    size_bytes: int | None = None
    compressed_bytes: int | None = None
    correct: int | None = None
    examples: int | None = None
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    throughput_per_s: Mapping[int, float] = field(default_factory=dict)
    peak_memory_bytes: int | None = None
    threads: int | None = None
    load_ms: float | None = None
    ready_ms: float | None = None
    service_load_per_s: float | None = None
    service_times_ms: tuple[float, ...] = field(default=(), repr=False)
    note: str = ""
    made_by: str = ""
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    instructions_per_image: float | None = None

    def __post_init__(self) -> None:
        for name in _TEXTS:
            value = getattr(self, name)
            if not isinstance(value, str):
                raise type_error(name, received=describe(value), expected="text")
        check_choice("kind", self.kind, ["measured", "modelled"])
        for name in _WHOLE:
            value = getattr(self, name)
            if value is not None:
                check_integer(name, value, 0)
        if self.threads is not None:
            check_integer("threads", self.threads, 1)
        for name in _NUMBERS:
            value = getattr(self, name)
            if value is not None:
                check_number(name, value, 0)
        if (self.correct is None) != (self.examples is None):
            raise value_error("correct and examples", received="one", expected="both or neither")
        if self.correct is not None and self.examples is not None:
            check_integer("correct", self.correct, 0, check_integer("examples", self.examples, 1))
        for batch_size, images_per_s in self.throughput_per_s.items():
            check_integer("batch size", batch_size, 1)
            check_number("throughput_per_s", images_per_s, 0)
        for time_ms in self.service_times_ms:
            check_number("service_times_ms", time_ms, 0, open_low=True)
        if self.service_times_ms and self.service_load_per_s is None:
            raise value_error(
                "service_load_per_s", received="nothing", expected="the load of service_times_ms"
            )
        object.__setattr__(self, "service_times_ms", tuple(self.service_times_ms))
        # Copied, so that changing the caller's dictionary doesn't change a frozen row.
        object.__setattr__(self, "throughput_per_s", MappingProxyType(dict(self.throughput_per_s)))

    @property
    def accuracy(self) -> float | None:
        """The fraction of test images classified correctly."""
        if self.correct is None or self.examples is None:
            return None
        return self.correct / self.examples


@dataclass(frozen=True)
class LedgerEntry:
    """A measurement in the ledger, with when and where it was made.

    Args:
        id: Row number in the ledger.
        measured_at: UTC time at which it was added, as ISO 8601.
        machine: The machine it was made on.
        measurement: The measurement.
    """

    id: int
    measured_at: str
    machine: Machine
    measurement: Measurement

    def as_dict(self) -> dict[str, Any]:
        """Return the row in plain types, for JSON; names carry their units."""
        row = {each.name: getattr(self.measurement, each.name) for each in fields(self.measurement)}
        row["throughput_per_s"] = dict(self.measurement.throughput_per_s)
        when = {"id": self.id, "measured_at": self.measured_at}
        return when | row | {"accuracy": self.measurement.accuracy, "machine": asdict(self.machine)}


def told_apart(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Rename variants that share a name but were made differently.

    The newest one keeps the name. An older one with another ``made_by`` gets the beginning of that
    hash appended: ``prune97-int4`` becomes ``prune97-int4-3f2a91``. Rows without ``made_by`` are
    left unchanged.

    Args:
        entries: Entries of the ledger, oldest first.
    """
    makers: dict[tuple[str, ...], str] = {}
    renamed: list[LedgerEntry] = []
    for entry in reversed(entries):
        row = entry.measurement
        newest = makers.setdefault(place_of(entry), row.made_by) if row.made_by else row.made_by
        if row.made_by != newest:
            row = replace(row, variant=f"{row.variant}-{row.made_by[:6]}")
            entry = replace(entry, measurement=row)
        renamed.append(entry)
    return renamed[::-1]


def place_of(entry: LedgerEntry) -> tuple[str, ...]:
    """Return the key shared by rows of the same variant, of which the newest one counts."""
    row = entry.measurement
    return (entry.machine.identity, row.dataset_fingerprint, row.variant, row.runtime, row.kind)


def newest(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Keep the newest row of each variant, runtime, dataset, kind and machine.

    Args:
        entries: From the ledger, the oldest first.
    """
    kept = {place_of(entry): entry for entry in entries}
    return sorted(kept.values(), key=lambda entry: entry.id)
