"""Where the figures of a report come from, and where they are kept while it runs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from deployworkbook.ledger.machine import this_machine


def provenance(test: str, *, seconds: float, seeds: Iterable[int]) -> dict[str, object]:
    """Say how figures were made: command, versions, machine, date, duration, seeds.

    Args:
        test: The test's file, from the repository's root.
        seconds: How long it took, or how long its runs took that were kept.
        seeds: The seeds it ran.
    """
    return {
        "command": f"pytest -m report -s {test}",
        "versions": {name: version(name) for name in ("deployworkbook", "numpy", "tensorflow")},
        "machine": str(this_machine()),
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": round(seconds),
        "seeds": list(seeds),
    }


class Kept:
    """Figures by name, in a file that is written after each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.figures = json.loads(path.read_text()) if path.exists() else {}

    def add(self, name: str, figures: dict) -> None:
        """Keep some figures under a name."""
        self.figures[name] = figures
        self.path.write_text(json.dumps(self.figures, indent=1))
        print(name, figures, flush=True)
