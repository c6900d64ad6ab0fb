"""Profiles from the ledger's rows: the newest per variant and runtime that are comparable."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployworkbook.costs.estimation.chip_form import ChipForm
from deployworkbook.costs.estimation.profile import SERVER_PREFIX, Profile, served_form
from deployworkbook.validation import check_choice, value_error

if TYPE_CHECKING:
    from deployworkbook.ledger.measurement import LedgerEntry, Measurement


@dataclass(frozen=True)
class Measured:
    """Comparable profiles from the ledger: one data set, one machine.

    Args:
        profiles: Newest complete row per variant and runtime; rows on one core are preferred. If a
            form was measured at a server, too, its times are the server's.
        dataset: Data set on which accuracy was measured.
        machine: Machine on which times were measured, in words.
        left_out: Reasons why variants in runtimes were left out: all their rows are incomplete.
        machine_identity: Identity of this machine, to tell it from others.
        chip_forms: Variants compiled for microcontrollers: the newest row of each, counted on an
            emulated core by any machine.
    """

    profiles: tuple[Profile, ...]
    dataset: str
    machine: str
    left_out: tuple[str, ...]
    machine_identity: Hashable = None
    chip_forms: tuple[ChipForm, ...] = ()

    @property
    def where(self) -> str:
        """Machine and data set, as a plan prints them."""
        return f"{self.machine}; data set {self.dataset}"


def measured_in(entries: Sequence[LedgerEntry], *, dataset: str | None = None) -> Measured:
    """Select the comparable rows: measured on one data set and on one machine.

    Accuracies on two data sets, or times on two machines, can't be compared. The machine is that of
    the data set's newest row.

    Args:
        entries: Rows of the ledger, the oldest first.
        dataset: ``mnist`` or ``digits``; by default that of the newest row.

    Raises:
        ValueError: There is no measured row, none on the data set, or none that is complete.
    """
    rows = [entry for entry in entries if entry.measurement.kind == "measured"]
    if not rows:
        remedy = "Lesson 04 measures the first; lessons 05 to 09 and `sweep` measure more."
        raise value_error("ledger", received="no rows", expected="measured rows", remedy=remedy)
    names = list(dict.fromkeys(entry.measurement.dataset for entry in reversed(rows)))
    chosen = names[0] if dataset is None else check_choice("dataset", dataset, names)
    of_dataset = [entry for entry in rows if entry.measurement.dataset == chosen]
    # Rows of emulated cores have no time, and so no machine that they were measured on.
    on_chips = [entry for entry in of_dataset if _is_emulated(entry.measurement)]
    of_dataset = [entry for entry in of_dataset if not _is_emulated(entry.measurement)]
    if not of_dataset:
        remedy = "Lessons 04 to 09 and `sweep` measure some."
        raise value_error(
            "ledger", received="rows of emulated cores only", expected="timed rows", remedy=remedy
        )
    machine = of_dataset[-1].machine
    # Costs are per core, so rows measured on one core are preferred to newer ones.
    here = [entry.measurement for entry in of_dataset if entry.machine.identity == machine.identity]
    profiles, left_out = _newest(here)
    if not profiles:
        raise ValueError(f"No row of the ledger is complete. {left_out[0]}")
    newest = {(e.measurement.variant, e.measurement.runtime): e.measurement for e in on_chips}
    forms = [ChipForm.from_measurement(row) for row in newest.values()]
    return Measured(
        tuple(profiles.values()),
        chosen,
        str(machine),
        tuple(left_out),
        machine.identity,
        tuple(form for form in forms if form is not None),
    )


def _is_emulated(row: Measurement) -> bool:
    return row.instructions_per_image is not None and row.latency_p50_ms is None


def _newest(rows: Sequence[Measurement]) -> tuple[dict[tuple[str, str], Profile], list[str]]:
    """Return the profiles of the newest complete rows, and why forms without any were left out."""
    bare = [row for row in rows if not row.runtime.startswith(SERVER_PREFIX)]
    served = [row for row in rows if row.runtime.startswith(SERVER_PREFIX)]
    by_cores = sorted(bare, key=lambda row: (row.threads or 1) == 1)
    profiles: dict[tuple[str, str], Profile] = {}
    reasons: dict[tuple[str, str], str] = {}
    # A later row replaces an earlier one, if it is complete; a server's come last, the ones with
    # service times after those without.
    for row in (*by_cores, *sorted(served, key=lambda row: bool(row.service_times_ms))):
        is_served = row.runtime.startswith(SERVER_PREFIX)
        form = (row.variant, served_form(row.runtime) if is_served else row.runtime)
        # The server's process holds the same model; an earlier row may say how much it takes.
        alone = profiles.get(form) if is_served else None
        memory = None if alone is None else int(alone.memory_bytes)
        try:
            profiles[form] = Profile.from_measurement(row, process_bytes=memory)
        except ValueError as error:
            reasons[form] = str(error)
    return profiles, [reason for form, reason in reasons.items() if form not in profiles]


def comparable(entries: Sequence[LedgerEntry], measured: Measured) -> list[LedgerEntry]:
    """Return all timed rows on the data set and machine of ``measured``, in their order."""
    return [
        entry
        for entry in entries
        if entry.measurement.kind == "measured"
        and entry.measurement.dataset == measured.dataset
        and entry.machine.identity == measured.machine_identity
        and not _is_emulated(entry.measurement)
    ]


def profile_named(measured: Measured, variant: str, runtime: str | None = None) -> Profile:
    """Return a profile by name; without a runtime, the variant's fastest.

    Args:
        measured: The ledger's profiles, as ``measured_in`` returns them.
        variant: Name of the variant.
        runtime: Name of the runtime; by default the variant's fastest.

    Raises:
        ValueError: The ledger has no such profile; the message lists what it has.
    """
    check_choice("variant", variant, dict.fromkeys(each.variant for each in measured.profiles))
    of_variant = [each for each in measured.profiles if each.variant == variant]
    if runtime is not None:
        check_choice("runtime", runtime, [each.runtime for each in of_variant])
        of_variant = [each for each in of_variant if each.runtime == runtime]
    return min(of_variant, key=lambda each: each.service_ms)
