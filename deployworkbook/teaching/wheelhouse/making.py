"""Make a folder of wheels, with hashes, a list of requirements and scripts that install them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from deployworkbook.teaching.wheelhouse.closure import Closure
from deployworkbook.teaching.wheelhouse.downloading import download
from deployworkbook.teaching.wheelhouse.own_wheel import own_wheel
from deployworkbook.teaching.wheelhouse.requirements import (
    Wheel,
    exact_versions,
    least_python,
    read_wheel,
)
from deployworkbook.teaching.wheelhouse.store import Store
from deployworkbook.teaching.wheelhouse.targets import Target
from deployworkbook.validation import check_choice
from deployworkbook.workspace.files import full_path, write_atomically
from deployworkbook.workspace.templates import render

# So many wheels are got at once. What is complete is kept, if the next ones fail.
BATCH = 8
TEMPLATES = Path(__file__).parent / "templates"
REQUIREMENTS = "requirements.txt"
SCRIPTS = ("README.md", "install.sh", "install.ps1", "check.py")

Download = Callable[[Sequence[Requirement], Target, Path], None]


@dataclass(frozen=True)
class Wheelhouse:
    """A folder of wheels that is complete.

    Args:
        folder: The folder.
        wheels: Its wheels, by name.
        size_bytes: Their size.
        downloaded: How many of them weren't there before.
        untested: Packages that the tested versions don't list, as they are needed on another
            system only.
    """

    folder: Path
    wheels: tuple[Wheel, ...]
    size_bytes: int
    downloaded: int
    untested: tuple[str, ...]


def make_wheelhouse(
    folder: Path,
    target: Target,
    *,
    extras: Sequence[str] = (),
    notify: Callable[[str], None] = print,
    get: Download = download,
    build: Callable[[Path], Path] = own_wheel,
) -> Wheelhouse:
    """Get all wheels that the workbook needs on a kind of machine, and write how to install them.

    After an interruption, the same call goes on: wheels that are complete are kept.

    Args:
        folder: New or empty folder, or one that was begun earlier.
        target: Kind of machine.
        extras: Optional parts of the workbook, such as ``test``.
        notify: Called with a sentence after each batch.
        get: Downloads wheels.
        build: Makes the workbook's own wheel in a folder.

    Raises:
        ValueError: The folder has other files, or some packages have no wheel for the target.
        OSError: The network failed, or the disk is full.
    """
    offered = metadata.metadata("deployworkbook").get_all("Provides-Extra") or []
    for extra in extras:
        check_choice("extra", extra, offered)
    store = Store(full_path(folder))
    got: list[Wheel] = []

    def fetch(wanted: Sequence[Requirement]) -> Iterator[Wheel]:
        missing = []
        for each in wanted:
            if there := store.find(each, target):
                yield read_wheel(there)
            else:
                missing.append(each)
        for start in range(0, len(missing), BATCH):
            with store.part() as part:
                get(missing[start : start + BATCH], target, part)
                new = [store.keep(file) for file in sorted(part.glob("*.whl"))]
            got.extend(new)
            size = sum(wheel.path.stat().st_size for wheel in got)
            notify(f"Wheels downloaded: {len(got)} ({size / 1e6:,.0f} MB).")
            yield from new

    with store.part() as part:
        own = store.keep(build(part))
    closure = Closure(target, exact_versions(target), fetch)
    closure.add(own, extras)
    wheels = tuple(sorted(closure.wheels.values(), key=lambda wheel: wheel.name))
    size = sum(wheel.path.stat().st_size for wheel in wheels)
    _write_scripts(store, wheels, target, size)
    untested = tuple(f"{name} {closure.wheels[name].version}" for name in sorted(closure.unpinned))
    return Wheelhouse(store.folder, wheels, size, len(got), untested)


def _write_scripts(store: Store, wheels: Sequence[Wheel], target: Target, size: int) -> None:
    lines = [
        f"{wheel.name}=={wheel.version} --hash=sha256:{store.hash_of(wheel.path)}\n"
        for wheel in wheels
    ]
    write_atomically(store.folder / REQUIREMENTS, "".join(lines))
    for name in SCRIPTS:
        text = render(
            TEMPLATES / f"{name}.j2",
            target=target,
            wheels=len(wheels),
            size_mb=round(size / 1e6),
            least_python=least_python(wheels, target),
            program=f"python{target.python}" if target.system != "Windows" else "py",
        )
        write_atomically(store.folder / name, text)
    (store.folder / "install.sh").chmod(0o755)
    written = [store.folder / name for name in (REQUIREMENTS, *SCRIPTS)]
    store.finish([wheel.path for wheel in wheels], written)
