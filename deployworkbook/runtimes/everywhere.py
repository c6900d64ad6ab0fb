"""One variant on every platform: an artifact, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployworkbook.runtimes.base import Artifact, UnavailableError
from deployworkbook.runtimes.registry import RUNTIMES, runtime
from deployworkbook.training.variant import Variant


@dataclass(frozen=True)
class Exports:
    """What became of a variant on each platform; each is in one of the two.

    Args:
        artifacts: By the runtime's name.
        reasons: Why a runtime has none, by its name.
    """

    artifacts: Mapping[str, Artifact]
    reasons: Mapping[str, str]


def export_everywhere(variant: Variant, directory: Path) -> Exports:
    """Export a variant for each platform; one that cannot take it stops no other.

    Args:
        variant: What to export.
        directory: Where to; made if missing.

    Raises:
        OSError: The directory cannot be written.
    """
    artifacts: dict[str, Artifact] = {}
    reasons: dict[str, str] = {}
    for name in RUNTIMES:
        try:
            artifacts[name] = runtime(name).export(variant, directory)
        except (UnavailableError, ValueError) as error:
            reasons[name] = str(error)
        except ImportError as error:
            reasons[name] = f"{name} is installed and cannot be imported ({error})."
    return Exports(artifacts, reasons)
