"""A version's model card: what it is, where it comes from, how good it is, and what isn't known.

Written from the record of its publication and from the ledger, as JSON for programs and as Markdown
for people. What was never measured is named as missing, not left out.

Source: M. Mitchell et al., "Model cards for model reporting", FAT* 2019.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployworkbook.formulas.intervals import wilson_interval
from deployworkbook.serving.api.model_files import model_file
from deployworkbook.serving.repository.interface import interface_of
from deployworkbook.serving.repository.published import CARD, CARD_TEXT, PublishedVersion, hashes_of
from deployworkbook.serving.signing.keys import SigningKey
from deployworkbook.serving.signing.manifest import sign_folder
from deployworkbook.validation import value_error
from deployworkbook.workspace.files import write_atomically
from deployworkbook.workspace.templates import render

if TYPE_CHECKING:
    from deployworkbook.ledger.measurement import LedgerEntry, Measurement

BASE_VARIANT = "float32"
_TEMPLATE = Path(__file__).parent / "templates" / "model-card.md.j2"


@dataclass(frozen=True)
class CardMetrics:
    """What was measured of a version's variant, on one data set and one machine.

    Args:
        dataset: The data set's name, with its fingerprint.
        kind: ``"measured"`` or ``"modelled"``.
        measured_at: UTC time, as ISO 8601.
        machine: The processor.
        correct: Test images classified correctly, if that was measured.
        examples: Test images in all.
        accuracy: The share of these that was classified correctly.
        accuracy_interval: Its 95 % interval.
        latency_p50_ms: Median time per image.
        latency_p99_ms: 99th percentile of it.
        size_bytes: Size of the file.
        compressed_bytes: Its size when zipped.
        peak_memory_bytes: Peak memory of a process that runs it.
        compression: Size of the zipped file of the float32 variant, divided by this one's.
    """

    dataset: str
    kind: str
    measured_at: str
    machine: str
    correct: int | None
    examples: int | None
    accuracy: float | None
    accuracy_interval: tuple[float, float] | None
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    size_bytes: int | None
    compressed_bytes: int | None
    peak_memory_bytes: int | None
    compression: float | None


@dataclass(frozen=True)
class ModelCard:
    """A model card.

    Args:
        model: The model's name.
        version: The version's number.
        variant: The variant's name.
        note: How it was made, in a sentence.
        published_at: UTC time, as ISO 8601.
        parent: Number of the version it came from.
        made_by: What made it from that one.
        form: ``savedmodel``, ``litert`` or ``onnx``.
        inputs: Names of its inputs.
        outputs: Names of its outputs.
        code: Versions of the packages that wrote it.
        files: SHA-256 of each of its files.
        size_bytes: Size of its files.
        metrics: One per data set, the newest measurement of each.
        limits: What not to conclude from the metrics, and where the model isn't to be used.
        missing: What isn't known.
    """

    model: str
    version: int
    variant: str
    note: str
    published_at: str
    parent: int | None
    made_by: str
    form: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    code: Mapping[str, str]
    files: Mapping[str, str]
    size_bytes: int
    metrics: tuple[CardMetrics, ...]
    limits: tuple[str, ...]
    missing: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the card in plain types, for JSON; names carry their units."""
        return asdict(self)

    def as_markdown(self) -> str:
        """Return the card as a page of Markdown."""
        return render(_TEMPLATE, card=self)


def make_card(
    version: PublishedVersion, entries: Sequence[LedgerEntry], *, limits: Sequence[str] = ()
) -> ModelCard:
    """Make a version's card.

    Args:
        version: The version.
        entries: The ledger's entries, the oldest first.
        limits: Further limits, in sentences of your own: what the model must not be used for.
    """
    record = version.provenance
    form = model_file(version.path) or ""
    interface = interface_of(version.path)
    variant = record.variant if record else ""
    metrics = _metrics(variant, form, entries)
    missing = [
        text
        for is_known, text in (
            (record is not None, "Who published it, and when: it has no record."),
            (bool(variant), "Which variant it is, so that the ledger can't be asked about it."),
            (bool(metrics), "Accuracy and times: the ledger has none of this variant and form."),
            (
                not metrics or any(each.latency_p50_ms is not None for each in metrics),
                "How long a prediction takes.",
            ),
            (record is None or bool(record.source), "Versions of the code that made it."),
        )
        if not is_known
    ]
    return ModelCard(
        model=version.path.parent.name,
        version=version.number,
        variant=variant,
        note=record.note if record else "",
        published_at=record.published_at if record else "",
        parent=record.parent if record else None,
        made_by=record.made_by if record else "",
        form=form,
        inputs=interface.inputs if interface else (),
        outputs=interface.outputs if interface else (),
        code=dict(record.source.get("versions", {})) if record else {},
        files=dict(record.files) if record else hashes_of(version.path),
        size_bytes=version.size_bytes,
        metrics=metrics,
        limits=(*_limits(metrics), *limits),
        missing=tuple(missing),
    )


def write_card(
    version: PublishedVersion, card: ModelCard, *, key: SigningKey | None = None
) -> tuple[Path, Path]:
    """Write a card into the version's folder: ``model-card.json`` and ``model-card.md``.

    Args:
        version: The version.
        card: Its card.
        key: The key to sign the version with again; needed if it is signed, because the signature
            covers the card.

    Returns:
        Both paths.

    Raises:
        ValueError: The version is signed, and there is no key.
    """
    if version.is_signed and key is None:
        raise value_error(
            f"version {version.number}",
            received="no key for a signed version",
            expected="the key to sign it with again, since the signature covers the card",
            remedy="Pass key=signing_key().",
        )
    paths = version.path / CARD, version.path / CARD_TEXT
    write_atomically(paths[0], json.dumps(card.as_dict(), indent=1) + "\n")
    write_atomically(paths[1], card.as_markdown())
    if key is not None:
        sign_folder(version.path, key, model=version.path.parent.name, number=version.number)
    return paths


def read_card(version: PublishedVersion) -> dict[str, Any] | None:
    """Read a version's card as plain types; ``None`` if there is none.

    Args:
        version: The version.

    Raises:
        ValueError: The card is damaged.
    """
    path = version.path / CARD
    try:
        card = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}). Write the card again.") from error
    if not isinstance(card, dict):
        raise ValueError(f"{path} is damaged (it holds no card). Write the card again.")
    return card


def _metrics(variant: str, form: str, entries: Sequence[LedgerEntry]) -> tuple[CardMetrics, ...]:
    newest: dict[str, LedgerEntry] = {}
    base: dict[str, Measurement] = {}
    for entry in entries:
        row = entry.measurement
        if row.runtime != form:
            continue
        if row.variant == BASE_VARIANT:
            base[row.dataset_fingerprint] = row
        if row.variant == variant and (row.correct is not None or row.latency_p50_ms is not None):
            newest[row.dataset_fingerprint] = entry
    return tuple(
        _of_entry(entry, base.get(entry.measurement.dataset_fingerprint))
        for entry in newest.values()
    )


def _of_entry(entry: LedgerEntry, base: Measurement | None) -> CardMetrics:
    row = entry.measurement
    interval = None
    if row.correct is not None and row.examples is not None:
        interval = wilson_interval(row.correct, row.examples)
    compression = None
    is_base = row.variant == BASE_VARIANT
    if base is not None and not is_base and base.compressed_bytes and row.compressed_bytes:
        compression = base.compressed_bytes / row.compressed_bytes
    return CardMetrics(
        dataset=f"{row.dataset} ({row.dataset_fingerprint})",
        kind=row.kind,
        measured_at=entry.measured_at,
        machine=entry.machine.processor,
        correct=row.correct,
        examples=row.examples,
        accuracy=row.accuracy,
        accuracy_interval=interval,
        latency_p50_ms=row.latency_p50_ms,
        latency_p99_ms=row.latency_p99_ms,
        size_bytes=row.size_bytes,
        compressed_bytes=row.compressed_bytes,
        peak_memory_bytes=row.peak_memory_bytes,
        compression=compression,
    )


def _limits(metrics: Sequence[CardMetrics]) -> list[str]:
    said = [
        "Accuracy holds for images like those of the test set. Turned, blurred or noisy images can "
        "be classified far worse, with high confidence."
    ]
    if any(each.latency_p50_ms is not None for each in metrics):
        said.append("Times are those of the machine named beside them, one image at a time.")
    for each in metrics:
        if each.accuracy_interval is not None:
            low, high = each.accuracy_interval
            said.append(
                f"On {each.dataset}, differences in accuracy of less than about "
                f"{100 * (high - low) / 2:.2f} points are within chance."
            )
    return said
