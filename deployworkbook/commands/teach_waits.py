"""The command ``teach waits``: measure how long a class waits for each section's cells."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def waits(
    lessons: Annotated[
        list[str] | None,
        typer.Argument(metavar="LESSON", help="Numbers or names (default: all)."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="File to write, or to add lessons to.")
    ] = Path("waits.json"),
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the executed notebooks, as handouts need them."),
    ] = None,
) -> None:
    """Measure on this machine how long a class waits for the cells of each section.

    Runs each lesson twice in a new folder: first alone, then with the models of the first run.
    All lessons take half an hour on two idle cores. `teach plan` reads the file: `--waits FILE`.
    """
    from deployworkbook.jupyter.lessons import catalogue, find_lesson
    from deployworkbook.teaching.recording import empty_waits, record_waits
    from deployworkbook.teaching.waits import Waits, read_waits, write_waits
    from deployworkbook.training.data import load_dataset
    from deployworkbook.workspace.files import check_writable, full_path

    chosen = [find_lesson(name) for name in lessons or []] or catalogue()
    path = full_path(out)
    kept = None if keep is None else full_path(keep)
    check_writable(path)
    now = empty_waits(data=load_dataset().name)
    if path.exists():
        earlier = read_waits(path)
        if (earlier.machine, earlier.tensorflow) != (now.machine, now.tensorflow):
            raise ValueError(
                f"{out} was measured elsewhere: on {earlier.machine}, with TensorFlow "
                f"{earlier.tensorflow}. Choose another file: --out FILE."
            )
        for name, sections in earlier.lessons.items():
            now = now.with_lesson(name, sections)
    if now.busy:
        print("Other programs are busy on this machine. Plans will allow for them, roughly.")

    def save(measured: Waits) -> None:
        write_waits(measured, path)

    for lesson in chosen:
        print(f"Measuring {lesson.name} …", flush=True)
        now = record_waits(now, [lesson], on_lesson=save, keep=kept)
        warm, cold = (
            sum(getattr(wait, kind) for wait in now.lessons[lesson.name].values())
            for kind in ("warm_s", "cold_s")
        )
        print(f"{lesson.name}: {warm:.0f} s, in an empty folder {cold:.0f} s.", flush=True)
    print(f"Wrote {path}.")
