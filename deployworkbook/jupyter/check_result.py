"""The result of one of the doctor's checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Args:
        name: What was checked.
        status: ``"ok"``; ``"warning"`` if lessons work with limits; ``"problem"`` if some fail.
        found: What the check found.
        remedy: What to do about it; empty if there is nothing to do.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""
