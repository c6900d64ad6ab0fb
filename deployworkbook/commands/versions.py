"""The ``versions`` commands: what versions a model has, how they differ, and which is served."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from deployworkbook.commands.examples import examples_of
from deployworkbook.commands.folder import Folder, existing_workspace_of
from deployworkbook.commands.published_model import (
    AsJson,
    Model,
    Number,
    in_words,
    repository_of,
)
from deployworkbook.commands.tables import print_table
from deployworkbook.commands.version_formats import from_mlflow, to_mlflow
from deployworkbook.commands.version_trust import sign, verify

app = typer.Typer(
    help="List, compare, sign and roll back a model's versions.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Label = Annotated[str, typer.Option(metavar="NAME", help="Label, such as stable or canary.")]


@app.command(name="list", epilog=examples_of("versions list"))
def show(model: Model, as_json: AsJson = False, folder: Folder = None) -> None:
    """List a model's versions, and which came from which."""
    from deployworkbook.serving.repository.lineage import lineage_of

    found = lineage_of(repository_of(model, folder))
    if as_json:
        print(json.dumps(asdict(found), indent=1))
        return
    rows = [
        (
            str(each.number),
            ", ".join(each.labels),
            each.variant,
            "" if each.parent is None else f"{each.parent}, {each.made_by}".removesuffix(", "),
            f"{each.size_bytes:,}",
            "" if each.accuracy is None else f"{each.accuracy:.2%}",
            "yes" if each.is_signed else "no",
            each.published_at,
        )
        for each in reversed(found.versions)
    ]
    head = ("version", "labels", "variant", "made from", "bytes", "accuracy", "signed", "published")
    print_table(head, rows)


@app.command(epilog=examples_of("versions diff"))
def diff(
    model: Model,
    first: Annotated[int, typer.Argument(metavar="FIRST", help="The version before.")],
    second: Annotated[int, typer.Argument(metavar="SECOND", help="The version after.")],
    dataset: Annotated[
        str, typer.Option(help="Test images: mnist, digits, or auto for the first found.")
    ] = "auto",
    examples: Annotated[
        int | None, typer.Option(min=1, help="Number of test images (default: all).")
    ] = None,
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Compare two versions: accuracy, answers to the same images, files.

    Runs both on the test images here, without a server.
    """
    from deployworkbook.serving.repository.differences import compare_versions
    from deployworkbook.training.data import load_dataset
    from deployworkbook.validation import check_choice

    repository = repository_of(model, folder)
    data: Any = load_dataset(check_choice("--dataset", dataset, ("auto", "mnist", "digits")))
    test = data.test if examples is None else data.test.take(examples)
    with in_words():
        before, after = repository.version(first), repository.version(second)
    found = compare_versions(before, after, test.images, test.labels)
    if as_json:
        derived = ("accuracies", "accuracy_intervals", "gain", "gain_interval")
        print(json.dumps(asdict(found) | {n: getattr(found, n) for n in derived}, indent=1))
        return
    print(f"{found.examples:,} test images of {data.name}")
    numbers = zip(
        (first, second), found.accuracies, found.accuracy_intervals, found.sizes_bytes, strict=True
    )
    for number, accuracy, (low, high), size in numbers:
        print(f"  version {number:<6} {accuracy:.2%} ({low:.2%} to {high:.2%}), {size:,} bytes")
    low, high = found.gain_interval
    print(f"  difference     {found.gain:+.2%} ({low:+.2%} to {high:+.2%})")
    print(f"  only {first} is right {found.only_first:,}, only {second} {found.only_second:,}")
    print(
        f"  same class     {found.agreed:,}; largest difference of a score {found.largest_gap:.3g}"
    )
    print(f"  files changed  {', '.join(found.changed_files) or 'none'}")
    if not found.same_interface:
        print("  Inputs or outputs have other names: clients of one can't ask the other.")


@app.command(epilog=examples_of("versions promote"))
def promote(
    model: Model,
    number: Number,
    label: Label = "stable",
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Give a label to a version.

    Servers follow labels when their model config is written again: see lesson 10, or roll_out.
    """
    repository = repository_of(model, folder)
    before = repository.labels.get(label)
    with in_words():
        repository.label(label, number)
    _print_move(model, label, before, number, as_json=as_json)


@app.command(name="roll-back", epilog=examples_of("versions roll-back"))
def roll_back(
    model: Model, label: Label = "stable", as_json: AsJson = False, folder: Folder = None
) -> None:
    """Return a label to the version that had it before."""
    repository = repository_of(model, folder)
    before = repository.labels.get(label)
    with in_words():
        number = repository.roll_back(label).number
    _print_move(model, label, before, number, as_json=as_json)


app.command(epilog=examples_of("versions sign"))(sign)
app.command(epilog=examples_of("versions verify"))(verify)


@app.command(epilog=examples_of("versions card"))
def card(
    model: Model,
    number: Number,
    limit: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="A limit in a sentence of your own; repeatable."),
    ] = None,
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Write a version's model card, from its record and your ledger, and print it.

    A signed version is signed again, because the signature covers the card.
    """
    from deployworkbook.ledger.book import Ledger
    from deployworkbook.serving.repository.cards import make_card, write_card
    from deployworkbook.serving.signing.keys import signing_key

    workspace = existing_workspace_of(folder)
    with in_words():
        version = repository_of(model, folder).version(number)
    made = make_card(version, Ledger(workspace.ledger_path).entries(), limits=limit or ())
    write_card(version, made, key=signing_key(workspace.keys) if version.is_signed else None)
    print(json.dumps(made.as_dict(), indent=1) if as_json else made.as_markdown())


app.command(name="to-mlflow", epilog=examples_of("versions to-mlflow"))(to_mlflow)
app.command(name="from-mlflow", epilog=examples_of("versions from-mlflow"))(from_mlflow)


def _print_move(model: str, label: str, before: int | None, after: int, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"model": model, "label": label, "before": before, "after": after}))
        return
    was = "no version" if before is None else f"version {before}"
    print(f"{label!r} of {model} is now version {after}; it was {was}.")
