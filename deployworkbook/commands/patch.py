"""The ``patch`` commands: make a patch between two files, and apply one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployworkbook.commands.examples import examples_of

if TYPE_CHECKING:
    from deployworkbook.updates.patch_file import PatchHeader

app = typer.Typer(
    help="Update a model's file by a patch.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


@app.command(epilog=examples_of("patch make"))
def make(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="File that devices have.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="File that they shall get.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="Patch to write.")],
    old_version: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the old version, for messages.")
    ] = "",
    new_version: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the new version, for messages.")
    ] = "",
    block_kib: Annotated[
        int,
        typer.Option(
            min=1, max=16384, help="KiB per block: devices need memory for a few of them."
        ),
    ] = 1024,
    as_json: AsJson = False,
) -> None:
    """Make a patch that turns OLD into NEW.

    Tries several codings and keeps the smallest. Works on any two files; a patch is small if most
    bytes have stayed, as with an int8 model whose scales were kept.
    """
    from deployworkbook.updates.making import make_patch

    made = make_patch(
        old,
        new,
        out,
        old_version=old_version,
        new_version=new_version,
        block_bytes=1024 * block_kib,
    )
    sizes = made.sizes
    if as_json:
        figures = asdict(sizes) | {"by_coding": dict(sizes.by_coding), "share": sizes.share}
        print(json.dumps({"patch": str(out), **figures, **_plain(made.header)}, indent=1))
        return
    print(f"{out}: {sizes.patch_bytes:,} bytes, by {sizes.coding}")
    print(f"  whole file            {sizes.full_bytes:>11,} bytes")
    print(f"  whole, compressed     {sizes.full_compressed_bytes:>11,} bytes")
    print(f"  patch / compressed    {sizes.share:>11.1%}")
    if sizes.bsdiff_bytes is not None:
        print(f"  bsdiff4's patch       {sizes.bsdiff_bytes:>11,} bytes")


@app.command(epilog=examples_of("patch apply"))
def apply(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="File to update.")],
    patch: Annotated[Path, typer.Argument(metavar="PATCH", help="Patch for this file.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="File to write (default: OLD itself)."),
    ] = None,
    limit_mib: Annotated[
        int, typer.Option(min=1, help="Largest new file to accept, in MiB.")
    ] = 1024,
    as_json: AsJson = False,
) -> None:
    """Update OLD by PATCH.

    Checks both files' hashes; the new file takes the old one's place in one step. After an
    interruption, run it again: it goes on where it was.
    """
    from deployworkbook.updates.applying import apply_patch

    applied = apply_patch(old, patch, out, limit_bytes=limit_mib * 2**20)
    if as_json:
        figures = {"path": str(applied.path), "is_new": applied.is_new}
        figures |= {"resumed_bytes": applied.resumed_bytes}
        print(json.dumps(figures | _plain(applied.header), indent=1))
        return
    header = applied.header
    version = f"version {header.new_version}, " if header.new_version else ""
    if applied.is_new:
        print(f"{applied.path} is now {version}{header.new_bytes:,} bytes; both hashes match.")
    else:
        print(f"{applied.path} is up to date already: {version}{header.new_bytes:,} bytes.")


def _plain(header: PatchHeader) -> dict[str, Any]:
    return {
        "old_version": header.old_version,
        "new_version": header.new_version,
        "old_sha256": header.old_sha256,
        "new_sha256": header.new_sha256,
        "old_bytes": header.old_bytes,
        "new_bytes": header.new_bytes,
        "block_bytes": header.block_bytes,
    }
