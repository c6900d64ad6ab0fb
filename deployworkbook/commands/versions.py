"""The ``versions`` commands: what versions a model has, how they differ, and which is served."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployworkbook.commands.examples import examples_of
from deployworkbook.commands.folder import Folder, workspace_of

if TYPE_CHECKING:
    from deployworkbook.serving.repository.model_repository import ModelRepository

app = typer.Typer(
    help="List, compare, sign and roll back a model's versions.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A published model, or the folder of its versions.")
]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="A version's number.")]
Label = Annotated[str, typer.Option(metavar="NAME", help="Label, such as stable or canary.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(name="list", epilog=examples_of("versions list"))
def show(model: Model, as_json: AsJson = False, folder: Folder = None) -> None:
    """List a model's versions, and which came from which."""
    from deployworkbook.serving.repository.lineage import lineage_of

    found = lineage_of(_repository(model, folder))
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
    _print_table(head, rows)


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

    repository = _repository(model, folder)
    data: Any = load_dataset(check_choice("--dataset", dataset, ("auto", "mnist", "digits")))
    test = data.test if examples is None else data.test.take(examples)
    with _in_words():
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
    repository = _repository(model, folder)
    before = repository.labels.get(label)
    with _in_words():
        repository.label(label, number)
    _print_move(model, label, before, number, as_json=as_json)


@app.command(name="roll-back", epilog=examples_of("versions roll-back"))
def roll_back(
    model: Model, label: Label = "stable", as_json: AsJson = False, folder: Folder = None
) -> None:
    """Return a label to the version that had it before."""
    repository = _repository(model, folder)
    before = repository.labels.get(label)
    with _in_words():
        number = repository.roll_back(label).number
    _print_move(model, label, before, number, as_json=as_json)


@app.command(epilog=examples_of("versions sign"))
def sign(
    model: Model,
    number: Annotated[
        int | None, typer.Argument(metavar="NUMBER", help="A version (default: all).")
    ] = None,
    folder: Folder = None,
) -> None:
    """Sign versions with your key; it is made if there is none.

    The private key is in the folder keys of your workspace, readable by you alone. Servers get the
    public one: serve --trusted_key_file FILE.
    """
    from deployworkbook.serving.signing.keys import signing_key
    from deployworkbook.serving.signing.manifest import sign_folder

    repository = _repository(model, folder)
    key = signing_key(workspace_of(folder).keys)
    with _in_words():
        versions = repository.versions() if number is None else [repository.version(number)]
    for version in versions:
        if damaged := version.damage():
            raise ValueError(
                f"version {version.number} was changed since its publication "
                f"({', '.join(damaged)}), and isn't signed. Publish it again."
            )
        name = repository.base_path.name
        manifest = sign_folder(version.path, key, model=name, number=version.number)
        print(f"Signed version {version.number} of {name}: {len(manifest.files)} files.")
    print(f"Public key: {key.public_path}")


@app.command(epilog=examples_of("versions verify"))
def verify(
    model: Model,
    number: Annotated[
        int | None, typer.Argument(metavar="NUMBER", help="A version (default: all).")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Public key (default: your workspace's)."),
    ] = None,
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Check signatures, and every file against them; exit with 1 if a version fails."""
    from deployworkbook.serving.signing.keys import PUBLIC_NAME, read_public_key
    from deployworkbook.serving.signing.manifest import SignatureError, verify_folder

    repository = _repository(model, folder)
    trusted = read_public_key(key or workspace_of(folder).keys / PUBLIC_NAME)
    with _in_words():
        versions = repository.versions() if number is None else [repository.version(number)]
    found = []
    for version in versions:
        problem = ""
        try:
            verify_folder(version.path, trusted)
        except SignatureError as error:
            problem = str(error)
        found.append({"version": version.number, "is_trusted": not problem, "problem": problem})
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        for each in found:
            said = each["problem"] or "signed by this key, unaltered"
            print(f"version {each['version']}: {said}")
    if any(each["problem"] for each in found):
        raise typer.Exit(1)


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

    workspace = workspace_of(folder)
    with _in_words():
        version = _repository(model, folder).version(number)
    made = make_card(version, Ledger(workspace.ledger_path).entries(), limits=limit or ())
    write_card(version, made, key=signing_key(workspace.keys) if version.is_signed else None)
    print(json.dumps(made.as_dict(), indent=1) if as_json else made.as_markdown())


@app.command(name="to-mlflow", epilog=examples_of("versions to-mlflow"))
def to_mlflow(
    model: Model,
    number: Number,
    target: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write.")],
    folder: Folder = None,
) -> None:
    """Export a version in MLflow's model format, where mlflow is installed."""
    from deployworkbook.serving.repository.mlflow_format import export_to_mlflow

    with _in_words():
        path = export_to_mlflow(_repository(model, folder).version(number), target)
    print(f"Wrote version {number} of {model} to {path}.")


@app.command(name="from-mlflow", epilog=examples_of("versions from-mlflow"))
def from_mlflow(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model's name; may be new.")],
    source: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that mlflow's save_model has written.")
    ],
    variant: Annotated[str, typer.Option(help="The variant's name.")] = "",
    folder: Folder = None,
) -> None:
    """Publish a model in MLflow's format as the next version, where mlflow is installed."""
    from deployworkbook.serving.repository.mlflow_format import import_from_mlflow
    from deployworkbook.serving.repository.model_repository import ModelRepository

    repository = ModelRepository(workspace_of(folder).published / model)
    with _in_words():
        version = import_from_mlflow(source, repository, variant=variant)
    print(f"Published version {version.number} of {model}, from {source}.")


def _repository(model: str, folder: Path | None) -> ModelRepository:
    """Open a published model; unlike a publisher, create nothing."""
    from deployworkbook.serving.repository.model_repository import ModelRepository
    from deployworkbook.validation import did_you_mean

    published = workspace_of(folder).published
    for path in (published / model, Path(model)):
        if path.is_dir() and (path.parent == published or path.is_absolute() or "/" in model):
            return ModelRepository(path)
    known = sorted(path.name for path in published.glob("*") if path.is_dir())
    remedy = did_you_mean(model, known) or (
        f"Published: {', '.join(known)}." if known else "Publish one: deployworkbook publish."
    )
    raise FileNotFoundError(f"{model} is no published model. {remedy}")


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn a missing version, label or package into an error that the command prints."""
    try:
        yield
    except (LookupError, ModuleNotFoundError) as error:
        raise ValueError(str(error.args[0])) from error


def _print_move(model: str, label: str, before: int | None, after: int, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"model": model, "label": label, "before": before, "after": after}))
        return
    was = "no version" if before is None else f"version {before}"
    print(f"{label!r} of {model} is now version {after}; it was {was}.")


def _print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    for title in head:
        table.add_column(title)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
