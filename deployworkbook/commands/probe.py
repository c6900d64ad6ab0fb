"""The ``probe`` command: check a deployed model from outside."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from deployworkbook.commands.folder import Folder, workspace_as_it_is, workspace_of

if TYPE_CHECKING:
    from deployworkbook.serving.probing.checks import Check
    from deployworkbook.serving.probing.golden import Golden

# Enough for two images of each class, and asked for in a second.
CANDIDATES = 500
DatasetChoice = Literal["auto", "mnist", "digits"]
COLOURS = {"passed": "green", "failed": "red", "skipped": "yellow"}


def probe(
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="REST address, such as http://127.0.0.1:8501.")
    ],
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Model (default: the only one recorded).")
    ] = None,
    record: Annotated[
        bool,
        typer.Option("--record", help="Record the answers of a model that you trust, at release."),
    ] = False,
    golden: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Golden images (default: golden/NAME.json in your workspace)."
        ),
    ] = None,
    dataset: Annotated[
        str, typer.Option(help="Images to record with: mnist, digits, or auto for the first found.")
    ] = "auto",
    latency_ms: Annotated[
        float | None,
        typer.Option(
            metavar="MS",
            help="Budget for the median time of a request (default: as recorded; at first 250).",
        ),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the outcomes as JUnit's XML.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcomes as JSON.")] = False,
    folder: Folder = None,
) -> None:
    """Check a deployed model from outside, against its release.

    Record once, when you have released a version, then check as often as you like: the version, the
    inputs and outputs, the classes and scores of golden images, the latency, and the texts of
    errors. Exits with 1 if a check fails.
    """
    from deployworkbook.serving.probing import checks, report

    if record:
        _record(address, model, golden, dataset, latency_ms, folder)
        return
    known = _read(_golden_file(model, golden, folder))
    outcomes = checks.probe(address, known, latency_ms=latency_ms)
    if junit:
        from deployworkbook.workspace.files import full_path, write_atomically

        write_atomically(full_path(junit), report.junit_xml(outcomes, f"probe {known.model}"))
    if as_json:
        print(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    else:
        _print(outcomes)
    if any(outcome.status != "passed" for outcome in outcomes):
        raise typer.Exit(1)


def _record(
    address: str,
    model: str | None,
    golden: Path | None,
    dataset: str,
    latency_ms: float | None,
    folder: Path | None,
) -> None:
    from deployworkbook.serving.probing.recording import LATENCY_MS, record_golden
    from deployworkbook.training.data import load_dataset
    from deployworkbook.validation import check_choice
    from deployworkbook.workspace.files import full_path

    if model is None:
        raise typer.BadParameter("--record needs the model's name.", param_hint="--model")
    known: tuple[DatasetChoice, ...] = ("auto", "mnist", "digits")
    test = load_dataset(check_choice("--dataset", dataset, known)).test.take(CANDIDATES)
    recorded = record_golden(
        address, test.images, test.labels, model=model, latency_ms=latency_ms or LATENCY_MS
    )
    workspace = workspace_of(folder)
    path = full_path(golden) if golden else workspace.golden / f"{model}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    backup = workspace.write_keeping_edits(path, recorded.to_json())
    if backup:
        print(f"Your {path} is saved as {backup}.")
    print(f"Recorded {len(recorded.images)} golden images of version {recorded.version} in {path}.")


def _golden_file(model: str | None, golden: Path | None, folder: Path | None) -> Path:
    """Find the file of golden images that the options mean."""
    from deployworkbook.validation import check_choice

    if golden is not None:
        return golden
    place = workspace_as_it_is(folder).golden
    known = {path.stem: path for path in sorted(place.glob("*.json"))}
    if not known:
        raise FileNotFoundError(
            f"{place} holds no golden images. Record them from a server that you trust: "
            "deployworkbook probe ADDRESS --model NAME --record."
        )
    if model is None and len(known) == 1:
        return next(iter(known.values()))
    return known[check_choice("--model", model, known)]


def _read(path: Path) -> Golden:
    from deployworkbook.serving.probing.golden import Golden

    return Golden.from_json(path.read_text("utf-8"), str(path))


def _print(outcomes: list[Check]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    for outcome in outcomes:
        status = f"[{COLOURS[outcome.status]}]{outcome.status:8}[/]"
        console.print(f"{status}{outcome.name}: {escape(outcome.said)}")
