"""Is the class ready? All seats' reports as one table, and who needs what."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from deployworkbook.jupyter.check_result import Status
from deployworkbook.jupyter.doctor import NAMES
from deployworkbook.teaching.seats import Seat

# Checks whose finding should be the same at all seats. Of Python's, the version alone: models made
# with another one aren't loaded from a shared folder.
_SAME = ("deployworkbook", "Python")


@dataclass(frozen=True)
class Need:
    """Something to do at one or more seats.

    Args:
        check: Name of the check that found it.
        status: ``problem`` or ``warning``.
        remedy: What to do.
        found: What was found, by seat.
    """

    check: str
    status: Status
    remedy: str
    found: dict[str, str]

    @property
    def seats(self) -> list[str]:
        """The seats at which it is to be done."""
        return list(self.found)


def needs_of(seats: Sequence[Seat]) -> list[Need]:
    """Group what is to be done: problems first, and what most seats need before the rest.

    Args:
        seats: All seats.
    """
    groups: dict[tuple[str, Status, str], dict[str, str]] = {}
    for seat in seats:
        for check in seat.wants:
            group = groups.setdefault((check.name, check.status, check.remedy), {})
            group[seat.name] = check.found
    needs = [Need(*key, found) for key, found in groups.items()]
    return sorted(needs, key=lambda need: (need.status != "problem", -len(need.found)))


def checks_to_show(seats: Sequence[Seat]) -> list[str]:
    """Return the names of the checks that found something at any seat, in the doctor's order.

    Args:
        seats: All seats.
    """
    found = {check.name for seat in seats for check in seat.wants}
    return [*(name for name in NAMES if name in found), *sorted(found - set(NAMES))]


def differences_of(seats: Sequence[Seat]) -> list[str]:
    """Return a sentence for each version that isn't the same at all seats.

    Args:
        seats: All seats.
    """
    sentences = []
    for name in _SAME:
        versions = [
            (check.found.split(" ")[0], seat.name)
            for seat in seats
            for check in seat.checks
            if check.name == name
        ]
        counts = Counter(version for version, _ in versions)
        if len(counts) < 2:
            continue
        (usual, most), (_, next_most) = counts.most_common(2)
        if most == next_most:
            each = ", ".join(f"{seat} has {version}" for version, seat in versions)
            sentences.append(f"Not all seats have the same version of {name}: {each}.")
            continue
        others = ", ".join(
            f"{seat} has {version}" for version, seat in versions if version != usual
        )
        sentences.append(
            f"Not all seats have the same version of {name}: {usual} is the commonest, {others}."
        )
    return sentences


def summary_of(seats: Sequence[Seat]) -> str:
    """Say how many seats are ready.

    Args:
        seats: All seats.

    >>> summary_of([Seat("ada"), Seat("bob")])
    'All 2 seats are ready.'
    """
    counts = Counter(seat.state for seat in seats)
    ready = [seat for seat in seats if seat.state == "ready"]
    digits = [seat.name for seat in ready if seat.has_only_digits]
    if len(ready) == len(seats):
        said = f"All {len(seats)} seats are ready." if len(seats) > 1 else "The seat is ready."
        return " ".join(filter(None, (said, _with_digits(digits))))
    said = (
        f"Ready: {counts['ready']} of {len(seats)}. Lessons run with limits: {counts['warning']}. "
        f"Some lessons fail: {counts['problem']}. No complete report: {counts['unread']}."
    )
    return " ".join(filter(None, (said, _with_digits(digits))))


def seats_as_csv(seats: Sequence[Seat]) -> str:
    """Return a row per seat: its state, each check's status, and what is to be done.

    A spreadsheet takes a cell that begins with ``=`` for a formula, so such texts are quoted.

    Args:
        seats: All seats.
    """
    names = [*NAMES, *(name for name in checks_to_show(seats) if name not in NAMES)]
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["seat", "state", *names, "to do"])
    for seat in seats:
        status = {check.name: check.status for check in seat.checks}
        to_do = [f"{check.name}: {check.remedy}" for check in seat.wants]
        if seat.trouble:
            to_do.insert(0, seat.trouble)
        row = [seat.name, seat.state, *(status.get(name, "") for name in names), " ".join(to_do)]
        table.writerow([_no_formula(cell) for cell in row])
    return out.getvalue()


def _with_digits(names: Sequence[str]) -> str:
    listed = ", ".join(names)
    return (
        f"Ready, with scikit-learn's digits unless MNIST is downloaded: {listed}." if names else ""
    )


def _no_formula(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell
