"""The command ``edge``: a model as C on an emulated core, and the chips that it fits."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployworkbook.commands.folder import Folder, existing_workspace_of, workspace_of
from deployworkbook.commands.prices import PricesFile

if TYPE_CHECKING:
    from deployworkbook.edge.measuring import CoreResult
    from deployworkbook.edge.on_chip import ChipReading
    from deployworkbook.training.variant import Variant

# Forms that C can be written from, the compressed ones first.
FORMS = {"litert": "model.tflite", "keras": "model.keras"}
# Heading of the column with the images that a coin cell's energy suffices for.
CELL = "images, CR2032"


def edge(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A .tflite or .keras file, or the name of an exported variant."
        ),
    ],
    device: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Microcontroller; repeatable (default: all there are)."),
    ] = None,
    core: Annotated[
        str, typer.Option(help="Core to compile for and to emulate.")
    ] = "cortex-m0plus",
    layout: Annotated[
        str | None,
        typer.Option(
            help="Layout of the weights: float32, int8, int4 or 'sparse int4' (default: the "
            "smallest of each layer)."
        ),
    ] = None,
    examples: Annotated[
        int | None,
        typer.Option(min=1, help="Test images to emulate (default: all, if that takes seconds)."),
    ] = None,
    dataset: Annotated[
        str, typer.Option(help="Test images: mnist, digits, or auto for the first found.")
    ] = "auto",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the C files (default: none).")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Add the result to your ledger.")
    ] = False,
    prices_file: PricesFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    folder: Folder = None,
) -> None:
    """Run a model as C on an emulated microcontroller.

    Writes it as C, compiles it, runs the test set, and compares it with the catalogue's chips.
    Accuracy, flash, RAM and instructions are counted; time and energy per image are modelled from
    published timings and data sheets.
    """
    from deployworkbook.costs.prices.catalog_file import load_catalog
    from deployworkbook.edge.measuring import measure_core
    from deployworkbook.edge.on_chip import read_on_chip
    from deployworkbook.formulas.battery import battery_energy_mj
    from deployworkbook.training.data import load_dataset
    from deployworkbook.validation import check_choice
    from deployworkbook.workspace.files import full_path

    catalog = load_catalog(prices_file)
    chips = [catalog.microcontroller(name) for name in device or catalog.microcontrollers]
    is_file = Path(model).is_file()
    workspace = workspace_of(folder) if is_file else existing_workspace_of(folder)
    variant = _variant(model, workspace.artifacts)
    data: Any = load_dataset(check_choice("--dataset", dataset, ("auto", "mnist", "digits")))
    with TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        target = Path(temporary) / "model" if out is None else full_path(out)
        result = measure_core(variant, data, target, core=core, layout=layout, examples=examples)
        readings = [read_on_chip(result.emulation, chip) for chip in chips]
    if record:
        from deployworkbook.ledger.book import Ledger

        Ledger(workspace.ledger_path).add(result.measurement)
    if as_json:
        print(json.dumps(_plain(result, readings), indent=1))
    else:
        cell = catalog.batteries["cr2032"]
        _print(result, readings, float(battery_energy_mj(cell.capacity_mah, cell.cell_volts)))
        if out is not None:
            print(f"\nThe C files are in {target}.")


def _variant(model: str, artifacts: Path) -> Variant:
    """Read a file, or the newest export of a variant."""
    from deployworkbook.training.variant import Variant
    from deployworkbook.validation import did_you_mean

    path = Path(model)
    if not path.is_file():
        found = [
            each
            for runtime, name in FORMS.items()
            for each in artifacts.glob(f"*/{model}.{runtime}/{name}")
        ]
        if not found:
            known = {
                each.parent.name.rpartition(".")[0]
                for runtime, name in FORMS.items()
                for each in artifacts.glob(f"*/*.{runtime}/{name}")
            }
            remedy = did_you_mean(model, known) or (
                f"Exported: {', '.join(sorted(known))}." if known else "Lesson 05 exports some."
            )
            raise FileNotFoundError(f"{model} is no file and no exported variant. {remedy}")
        # Files of the first form before those of the next; of a form, the newest.
        path = max(found, key=lambda each: (each.suffix == ".tflite", each.stat().st_mtime))
        name = model
    else:
        name = path.stem if path.stem != "model" else path.parent.name.rpartition(".")[0] or "model"
    if path.suffix == ".keras":
        from deployworkbook.training.saved import read_model

        return Variant(name, model=read_model(path))
    return Variant(name, flatbuffer=path.read_bytes())


def _plain(result: CoreResult, readings: list[ChipReading]) -> dict[str, Any]:
    emulation = result.emulation
    return {
        "variant": result.variant,
        "core": emulation.core,
        "layouts": list(emulation.project.layouts),
        "accuracy": result.accuracy,
        "examples": result.examples,
        "emulated_images": len(emulation.scores),
        "flash_bytes": emulation.flash_bytes,
        "ram_bytes": emulation.ram_bytes,
        "stack_bytes": emulation.stack_bytes,
        "instructions_per_image": emulation.instructions_per_image,
        "most_instructions": int(emulation.instructions.max()),
        "devices": [
            {
                "name": each.chip.name,
                "core": each.chip.core,
                "fits": each.fits,
                "runs_this_program": each.runs,
                "flash_share": each.flash_share,
                "ram_share": each.ram_share,
                "time_ms": None if each.time_ms is None else [each.time_ms.low, each.time_ms.high],
                "energy_uj": None
                if each.energy_uj is None
                else [each.energy_uj.low, each.energy_uj.high],
                "price_usd": each.chip.price_usd,
            }
            for each in readings
        ],
    }


def _print(result: CoreResult, readings: list[ChipReading], battery_mj: float) -> None:
    from rich.console import Console
    from rich.table import Table

    emulation = result.emulation
    low, high = int(emulation.instructions.min()), int(emulation.instructions.max())
    layouts = " and ".join(dict.fromkeys(emulation.project.layouts))
    print(f"{result.variant} on {emulation.core}, weights as {layouts}")
    print(f"  accuracy      {result.accuracy:.2%} of {result.examples:,} test images")
    print(f"  flash         {emulation.flash_bytes:,} bytes")
    print(f"  RAM           {emulation.ram_bytes:,} bytes, {emulation.stack_bytes:,} of them stack")
    print(
        f"  instructions  {emulation.instructions_per_image:,.0f} per image ({low:,} to {high:,}), "
        f"{len(emulation.scores):,} images emulated\n"
    )
    table = Table(box=None, padding=(0, 1, 0, 0))
    for title in ("chip", "core", "", "flash", "RAM", "ms", "µJ", CELL, "USD"):
        table.add_column(
            title, no_wrap=True, justify="right" if title in {"flash", "RAM"} else "left"
        )
    for each in readings:
        verdict = "fits" if each.fits else "too large"
        images = each.images_per_battery(battery_mj)
        table.add_row(
            each.chip.name,
            each.chip.core,
            verdict if each.runs else f"{verdict} *",
            f"{each.flash_share:.0%}",
            f"{each.ram_share:.0%}",
            "" if each.time_ms is None else str(each.time_ms),
            "" if each.energy_uj is None else str(each.energy_uj),
            "" if images is None else f"{images.low:,.0f}",
            f"{each.chip.price_usd:g}",
        )
    Console().print(table)
    print("\nTime and energy per image are modelled, without waiting for flash.")
    if not all(each.runs for each in readings):
        print("* Compiled for its own core, and not emulated: the stack is the other core's.")
