"""Get wheels with pip, for this machine or another kind."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from packaging.requirements import Requirement

from deployworkbook.teaching.wheelhouse.targets import Target

# What pip writes when the network, and not the package, is to blame.
_UNREACHABLE = re.compile(r"Connection|Retrying|timed out|Temporary failure|ProxyError|SSLError")
_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")


class MissingWheelsError(ValueError):
    """Some packages can't be had for a kind of machine."""


def download(wanted: Sequence[Requirement], target: Target, folder: Path) -> None:
    """Get wheels, without what they need; build those of which there is only the source.

    Args:
        wanted: Packages with their versions.
        target: Kind of machine.
        folder: Existing folder for the wheels.

    Raises:
        OSError: There is no pip here, or the network failed.
        MissingWheelsError: Some have no wheel for the target, and can't be built for it here.
    """
    # setuptools hooks the usual search for pip, with a warning once distutils is loaded.
    if not PathFinder.find_spec("pip"):
        raise OSError(
            f"{sys.executable} has no pip, which gets the wheels. Run: python -m ensurepip"
        )
    if not wanted or _pip(_for(target), folder, wanted):
        return
    # pip gets all or none. One at a time, it shows which ones are missing.
    missing = [each for each in wanted if not _pip(_for(target), folder, [each])]
    still = [each for each in missing if not _build(each, target, folder)]
    if still:
        raise MissingWheelsError(
            f"No wheels for {target.platform} and Python {target.python}: "
            f"{', '.join(map(str, still))}. Choose another --platform or --python."
        )


def build_source(source: Path, folder: Path) -> None:
    """Build a wheel from a project's folder.

    Args:
        source: Folder with a ``pyproject.toml``.
        folder: Existing folder for the wheel.

    Raises:
        OSError: It can't be built.
    """
    # With the build system at hand, nothing has to be downloaded for it.
    isolation = ["--no-build-isolation"] if PathFinder.find_spec("hatchling") else []
    done = _run(["wheel", "--no-deps", *isolation, "--wheel-dir", str(folder), str(source)])
    if done.returncode:
        raise OSError(f"The project's wheel can't be built: {_reason(done.stderr)}")


def _for(target: Target) -> list[str]:
    options = ["download", "--no-deps", "--only-binary=:all:", "--implementation", "cp"]
    options += ["--python-version", target.newest]
    for abi in (target.abi, "abi3", "none"):
        options += ["--abi", abi]
    for platform in target.platforms:
        options += ["--platform", platform]
    return options


def _pip(options: Sequence[str], folder: Path, wanted: Sequence[Requirement]) -> bool:
    """Return whether pip found them all."""
    done = _run([*options, "--dest", str(folder), *map(str, wanted)])
    if done.returncode and _UNREACHABLE.search(done.stderr):
        raise OSError(
            "The network failed, or there is none. Run the same command again: wheels that are "
            "complete are kept."
        )
    return not done.returncode


def _build(wanted: Requirement, target: Target, folder: Path) -> bool:
    """Build a wheel from source here; return whether it runs on the target."""
    before = set(folder.glob("*.whl"))
    done = _run(["wheel", "--no-deps", "--wheel-dir", str(folder), str(wanted)])
    built = set(folder.glob("*.whl")) - before
    for each in built:
        if not target.takes(each.name):
            each.unlink()
    return not done.returncode and any(target.takes(each.name) for each in built)


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_PIP, *arguments], capture_output=True, text=True, check=False)


def _reason(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if line.strip()]
    return lines[-1] if lines else "pip said nothing"
