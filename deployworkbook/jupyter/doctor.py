"""Check a machine for problems and suggest remedies."""

from __future__ import annotations

import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import TYPE_CHECKING

import psutil
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from deployworkbook import __version__
from deployworkbook.jupyter.check_result import Check
from deployworkbook.jupyter.lab import check_port_is_free
from deployworkbook.jupyter.process_checks import check_keras, check_kernel
from deployworkbook.workspace.folder import SHARED_VARIABLE, Workspace
from deployworkbook.workspace.manifest import MANIFEST
from deployworkbook.workspace.shared import shared_folder

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

# What is checked, in this order. A report without one of these comes from another version.
NAMES = (
    "deployworkbook",
    "Python",
    "packages",
    "your folder",
    "shared models",
    "disk",
    "memory",
    "SQLite",
    "data",
    "platforms",
    "model server",
    "port",
    "kernel",
    "Keras",
)
# Enough for a trained model, its variants and the executed lessons.
DISK_BYTES = 10**9
# TensorFlow with MNIST in a notebook takes about 1.5 GB.
MEMORY_BYTES = 2 * 10**9
# The first version with a write-ahead log, on which the ledger relies.
SQLITE_VERSION = (3, 7, 0)
LAB_PORT = 8888


def checks(workspace: Workspace, *, port: int | None = None) -> Iterator[Check]:
    """Yield the results of all checks of this machine, the slow ones last.

    The slowest one, TensorFlow's import in a process of its own, runs beside the others.

    Args:
        workspace: The learner's folder.
        port: Port for the lab; by default the usual one.
    """
    yield check_release()
    yield check_python()
    yield check_versions()
    yield check_workspace(workspace)
    yield check_shared_models()
    yield check_disk(workspace)
    yield check_memory()
    yield check_sqlite()
    with ThreadPoolExecutor(1) as beside:
        keras = beside.submit(check_keras)
        yield check_data()
        yield check_platforms()
        yield check_model_server()
        yield check_port(port)
        yield check_kernel()
        yield keras.result()


def check_table(found: Iterable[Check]) -> Styler:
    """Return checks as a table for a notebook.

    Args:
        found: As ``checks`` yields them.
    """
    # Imported here because pandas takes half a second and the command has its own table.
    from deployworkbook.plots.tables import text_table

    rows = [(check.name, check.status, check.found, check.remedy) for check in found]
    return text_table(rows, ["check", "status", "found", "what to do"])


def check_release() -> Check:
    """Name the workbook's own version, which a class should share."""
    return Check("deployworkbook", "ok", __version__)


def check_python() -> Check:
    """Check the interpreter's version against the package's requirement."""
    version = platform.python_version()
    wanted = metadata.metadata("deployworkbook")["Requires-Python"]
    found = f"{version} at {sys.executable}"
    if SpecifierSet(wanted).contains(version, prereleases=True):
        return Check("Python", "ok", found)
    remedy = f"Create an environment with Python {wanted} and install deployworkbook there."
    return Check("Python", "problem", found, remedy)


def check_versions() -> Check:
    """Check the installed packages against the package's requirements."""
    wrong = []
    wanted = [Requirement(line) for line in metadata.requires("deployworkbook") or []]
    needed = [each for each in wanted if not each.marker or each.marker.evaluate({"extra": ""})]
    for requirement in needed:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version} is not {requirement.specifier}")
    if wrong:
        remedy = "In the project's folder: pip install -c constraints.txt ."
        return Check("packages", "problem", "; ".join(wrong), remedy)
    return Check("packages", "ok", f"{len(needed)}, all in range")


def check_workspace(workspace: Workspace) -> Check:
    """Check that a file can be written into the learner's folder."""
    probe = workspace.records / "doctor.tmp"
    try:
        workspace.create()
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        remedy = "Set DEPLOYWORKBOOK_HOME to a folder you can write to."
        return Check("your folder", "problem", f"{workspace.root}: {error}", remedy)
    return Check("your folder", "ok", str(workspace.root))


def check_shared_models() -> Check:
    """Check the folder of models that somebody has trained for several learners."""
    try:
        folder = shared_folder()
    except OSError as error:
        remedy = f"Correct or unset {SHARED_VARIABLE}, or ask whoever made the models."
        return Check("shared models", "warning", str(error), remedy)
    if folder is None:
        return Check("shared models", "ok", "none; lessons use your own folder")
    count = sum(1 for _ in folder.glob(f"*/{MANIFEST}"))
    if not count:
        remedy = f"deployworkbook preload --into {folder}"
        return Check("shared models", "warning", f"{folder} has none", remedy)
    return Check("shared models", "ok", f"{count} in {folder}")


def check_disk(workspace: Workspace) -> Check:
    """Check the free disk space for the learner's folder."""
    root = workspace.root
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / 1e9:.1f} GB free"
    if free >= DISK_BYTES:
        return Check("disk", "ok", found)
    remedy = f"Free some space: the lessons write up to {DISK_BYTES / 1e9:.0f} GB."
    return Check("disk", "warning", found, remedy)


def check_memory() -> Check:
    """Check the available memory."""
    free = psutil.virtual_memory().available
    found = f"{free / 1e9:.1f} GB available"
    if free >= MEMORY_BYTES:
        return Check("memory", "ok", found)
    remedy = "Close other programs, or use dataset='digits' and run one lesson at a time."
    return Check("memory", "warning", found, remedy)


def check_sqlite() -> Check:
    """Check that SQLite supports several notebooks writing to the ledger at once."""
    if sqlite3.sqlite_version_info >= SQLITE_VERSION:
        return Check("SQLite", "ok", sqlite3.sqlite_version)
    return Check("SQLite", "problem", sqlite3.sqlite_version, "Install a newer Python.")


def check_data() -> Check:
    """Check which digits data set the lessons will use."""
    from deployworkbook.training.mnist import ENVIRONMENT_VARIABLE, mnist_file, read

    found = mnist_file()
    if found is None:
        remedy = (
            "Lessons will download MNIST, or use scikit-learn's smaller digits. To use a copy, "
            f"set {ENVIRONMENT_VARIABLE} to Keras's mnist.npz."
        )
        return Check("data", "warning", "MNIST is not on this machine", remedy)
    path, where = found
    try:
        (images, _), _ = read(path)
    except (OSError, ValueError) as error:
        return Check("data", "problem", str(error), f"Correct or unset {ENVIRONMENT_VARIABLE}.")
    return Check("data", "ok", f"MNIST, {len(images):,} training images, {where}: {path}")


def check_platforms() -> Check:
    """Check which runtimes are available here."""
    from deployworkbook.runtimes.registry import available, unavailable, uninstalled

    found, missing = ", ".join(available()), unavailable()
    reasons = "; ".join(f"{name}: {reason}" for name, reason in missing.items())
    if uninstalled():
        return Check("platforms", "warning", found, f"Lesson 09 works without them. {reasons}")
    # What this processor lacks, nobody can install.
    return Check("platforms", "ok", f"{found}. {reasons}" if reasons else found)


def check_model_server() -> Check:
    """Check which model server the lessons will start."""
    from deployworkbook.serving.launcher.backends import choose

    chosen = choose("auto")
    return Check("model server", "ok", f"{chosen.name}, since {chosen.why}")


def check_port(port: int | None) -> Check:
    """Check whether the lab's port is free."""
    wanted = port or LAB_PORT
    try:
        check_port_is_free(wanted)
    except OSError as error:
        if port is None:
            return Check("port", "ok", f"{wanted} is in use; the lab will use the next free one")
        return Check("port", "problem", str(error), "deployworkbook lab --port 8890")
    return Check("port", "ok", f"{wanted} is free")
