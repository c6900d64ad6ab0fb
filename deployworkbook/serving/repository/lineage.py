"""Which version came from which, and by what."""

from __future__ import annotations

from dataclasses import dataclass

from deployworkbook.serving.repository.cards import read_card
from deployworkbook.serving.repository.model_repository import ModelRepository


@dataclass(frozen=True)
class LineageVersion:
    """A version in its family.

    Args:
        number: The version's number.
        parent: Number of the version it came from; ``None`` for one that came from none.
        made_by: What made it: a technique, a patch, a training.
        variant: The variant's name.
        published_at: UTC time, as ISO 8601; empty if unknown.
        labels: Its labels.
        size_bytes: Size of its files.
        accuracy: Accuracy of its card's newest measurement; ``None`` if there is none.
        is_signed: Whether there is a signature.
    """

    number: int
    parent: int | None
    made_by: str
    variant: str
    published_at: str
    labels: tuple[str, ...]
    size_bytes: int
    accuracy: float | None
    is_signed: bool


@dataclass(frozen=True)
class Lineage:
    """The versions of a model, oldest first.

    Args:
        model: The model's name.
        versions: The versions.
    """

    model: str
    versions: tuple[LineageVersion, ...]


def lineage_of(repository: ModelRepository) -> Lineage:
    """Read which version of a model came from which.

    Args:
        repository: The model's versions.
    """
    found = []
    for version in reversed(repository.versions()):
        record = version.provenance
        metrics = (read_card(version) or {}).get("metrics") or [{}]
        found.append(
            LineageVersion(
                number=version.number,
                parent=record.parent if record else None,
                made_by=record.made_by if record else "",
                variant=record.variant if record else "",
                published_at=record.published_at if record else "",
                labels=version.labels,
                size_bytes=version.size_bytes,
                accuracy=metrics[-1].get("accuracy"),
                is_signed=version.is_signed,
            )
        )
    return Lineage(repository.base_path.name, tuple(found))
