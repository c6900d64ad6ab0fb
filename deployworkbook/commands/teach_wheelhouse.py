"""The ``teach wheelhouse`` command: all wheels, for machines without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def wheelhouse(
    folder: Annotated[Path, typer.Argument(help="New or empty folder, or one begun earlier.")],
    platform: Annotated[
        str | None,
        typer.Option(
            help="Platform of the class's machines, such as manylinux_2_28_x86_64, win_amd64 or "
            "macosx_14_0_arm64 (default: this machine's).",
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(metavar="3.N", help="Their version of Python (default: this one's)."),
    ] = None,
    extra: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="An optional part, such as test; may be repeated."),
    ] = None,
) -> None:
    """Download all wheels of the tested versions, and write a script that installs them offline.

    Run it again after an interruption: wheels that are complete are kept.
    """
    from deployworkbook.teaching.wheelhouse.making import make_wheelhouse
    from deployworkbook.teaching.wheelhouse.targets import Target, this_platform, this_python

    target = Target(platform or this_platform(), python or this_python())
    made = make_wheelhouse(folder, target, extras=extra or ())
    print(
        f"{made.folder} has {len(made.wheels)} wheels, {made.size_bytes / 1e6:,.0f} MB, for "
        f"Python {target.python} on {target.platform}."
    )
    if made.untested:
        print(f"Not among the tested versions: {', '.join(made.untested)}.")
    script = "install.ps1" if target.system == "Windows" else "install.sh"
    print(f"There, without a network: {script}. README.md says how.")
