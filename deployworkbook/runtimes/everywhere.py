"""Export one variant for every platform: an artifact each, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployworkbook.runtimes.base import Artifact, UnavailableError
from deployworkbook.runtimes.registry import RUNTIMES, runtime
from deployworkbook.training.variant import Variant


@dataclass(frozen=True)
class Exports:
    """A variant's artifacts, and the reasons why other platforms have none.

    Args:
        artifacts: Artifacts by the runtime's name.
        reasons: Reasons by the runtime's name, for those without an artifact.
    """

    artifacts: Mapping[str, Artifact]
    reasons: Mapping[str, str]


def export_everywhere(variant: Variant, directory: Path) -> Exports:
    """Export a variant for each platform; a platform that cannot take it doesn't stop the others.

    Args:
        variant: The variant.
        directory: The directory; created if missing.

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
            reasons[name] = f"{name} is installed but cannot be imported ({error})."
    return Exports(artifacts, reasons)
