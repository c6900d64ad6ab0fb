"""A profile of one variant in one runtime: its time, accuracy and size."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from statistics import fmean, pvariance
from typing import TYPE_CHECKING, Literal

from deployworkbook.costs.units import RANGES, check_quantity
from deployworkbook.formulas.intervals import wilson_interval
from deployworkbook.validation import check_choice, check_number, value_error

if TYPE_CHECKING:
    from deployworkbook.ledger.measurement import Measurement

# What names of servers in the ledger begin with: they measure requests, not predictions.
SERVER_PREFIX = "serving-"
# What they end with if the server ran no SavedModel.
_FORM_ENDINGS = ("litert", "onnx")

# The standard normal distribution's 99th percentile.
_Z99 = 2.3263478740408408


@dataclass(frozen=True)
class Profile:
    """A variant in a runtime, as measured on one machine; the basis of costs.

    Args:
        variant: Variant of the model, such as ``int8``.
        runtime: Runtime, such as ``litert``.
        service_ms: Mean time per prediction on one core.
        service_scv: Squared coefficient of variation of these times.
        accuracy_share: Share of the test set that it classifies correctly.
        model_bytes: Size on disk.
        download_bytes: Size as sent to a device, zipped.
        memory_bytes: Memory of a process that serves it.
        threads: Number of cores that a prediction could use during the measurement.
        served: Whether ``service_ms`` was measured at a server, and so includes its overhead.
        server: Server at which ``service_ms`` was measured, such as ``serving-embedded``; empty if
            at none.
        service_load_per_s: Requests per second that the server got meanwhile; 0 if one at a time.
        accuracy_interval: 95 % interval of the accuracy on other images of the kind; ``None`` if
            the number of test images isn't known.
        service_times_ms: Service times measured at the server, in their order; empty if there are
            none, and the times' distribution is assumed from mean and variation.
        kind: ``measured`` or ``modelled``.
        operations_per_prediction: Floating-point operations; 0 if unknown. With them, the time on
            a GPU or TPU is the roofline's; without, it is taken from ``service_ms``.

    Raises:
        TypeError: A field is not a number.
        ValueError: A field is NaN or out of range, or the service time is 0.
    """

    variant: str
    runtime: str
    service_ms: float
    service_scv: float
    accuracy_share: float
    model_bytes: float
    download_bytes: float
    memory_bytes: float
    threads: int = 1
    served: bool = False
    server: str = ""
    service_load_per_s: float = 0.0
    accuracy_interval: tuple[float, float] | None = field(default=None, repr=False)
    service_times_ms: tuple[float, ...] = field(default=(), repr=False)
    kind: Literal["measured", "modelled"] = "measured"
    operations_per_prediction: float = 0.0

    def __post_init__(self) -> None:
        check_choice("kind", self.kind, ["measured", "modelled"])
        for each in fields(self):
            if each.type in {"int", "float"}:
                check_quantity(each.name, each.name, getattr(self, each.name))

    @property
    def name(self) -> str:
        """Variant and runtime."""
        return f"{self.variant} in {self.runtime}"

    @classmethod
    def from_measurement(
        cls, measurement: Measurement, *, process_bytes: int | None = None
    ) -> Profile:
        """Make a profile from a row of the ledger.

        If the row has service times of a server, these are used; else mean and variation come from
        p50 and p99, by ``mean_and_scv``. A row of a server becomes a profile of the form that it
        served, as ``served_form`` reads it.

        Args:
            measurement: Row of the ledger.
            process_bytes: Memory of a process that serves it, if the row doesn't say.

        Raises:
            ValueError: The row lacks a value; the message names it.
        """
        memory = measurement.peak_memory_bytes
        needed = {
            "latency_p50_ms": measurement.latency_p50_ms,
            "accuracy": measurement.accuracy,
            "size_bytes": measurement.size_bytes,
            "peak_memory_bytes": process_bytes if memory is None else memory,
        }
        for name, value in needed.items():
            if value is None:
                label = f"{measurement.variant} in {measurement.runtime}: {name}"
                remedy = "Measure it again with benchmark(..., memory=True)."
                raise value_error(
                    label, received="nothing", expected="a measurement", remedy=remedy
                )
        p50_ms = float(needed["latency_p50_ms"] or 0)
        p99_ms = measurement.latency_p99_ms
        mean_ms, scv = mean_and_scv(p50_ms, max(p50_ms if p99_ms is None else p99_ms, p50_ms))
        times_ms = measurement.service_times_ms
        if times_ms:
            mean_ms, scv = fmean(times_ms), pvariance(times_ms) / fmean(times_ms) ** 2
        is_served = measurement.runtime.startswith(SERVER_PREFIX)
        interval = None
        if measurement.correct is not None and measurement.examples is not None:
            interval = wilson_interval(measurement.correct, measurement.examples)
        size_bytes = float(needed["size_bytes"] or 0)
        zipped = measurement.compressed_bytes
        return cls(
            variant=measurement.variant,
            runtime=served_form(measurement.runtime) if is_served else measurement.runtime,
            service_ms=mean_ms,
            service_scv=scv,
            accuracy_share=float(needed["accuracy"] or 0),
            model_bytes=size_bytes,
            download_bytes=size_bytes if zipped is None else float(zipped),
            memory_bytes=float(needed["peak_memory_bytes"] or 0),
            threads=measurement.threads or 1,
            served=is_served,
            server=measurement.runtime if is_served else "",
            service_load_per_s=measurement.service_load_per_s or 0.0,
            accuracy_interval=interval,
            service_times_ms=times_ms,
            kind=measurement.kind,
        )


def served_form(server: str) -> str:
    """Return the runtime of what a server served, from the server's name in the ledger.

    >>> served_form("serving-embedded"), served_form("serving-embedded-litert")
    ('savedmodel', 'litert')
    """
    ending = server.rpartition("-")[2]
    return ending if ending in _FORM_ENDINGS else "savedmodel"


def mean_and_scv(p50_ms: float, p99_ms: float) -> tuple[float, float]:
    """Return mean and squared coefficient of variation of log-normal times, from two percentiles.

        σ = ln(p99 / p50) / 2.326,   mean = p50 exp(σ²/2),   scv = exp(σ²) - 1

    Log-normal times are an assumption: they have a floor and a long tail, as measured times do. The
    scv is at most 1,000, which a p99 of 450 medians has: beyond that, a busy machine's pauses were
    measured.

    Args:
        p50_ms: Median, more than 0.
        p99_ms: 99th percentile, at least the median.

    Raises:
        ValueError: A percentile is out of range.

    >>> mean_and_scv(2.0, 2.0)
    (2.0, 0.0)
    """
    median = check_number("p50_ms", p50_ms, 0, open_low=True)
    sigma = math.log(check_number("p99_ms", p99_ms, median) / median) / _Z99
    scv = min(math.expm1(sigma**2), RANGES["_scv"][1])
    return median * math.sqrt(1 + scv), scv
