"""What a hub lacks on this machine, in whole sentences, each with its remedy."""

from __future__ import annotations

import importlib.util
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from deployworkbook.teaching.hub.settings import SpawnerName, has_docker, has_systemd
from deployworkbook.workspace.users import is_root

# With Docker they are in the image.
PACKAGES: dict[SpawnerName, tuple[str, ...]] = {
    "systemd": ("jupyterhub", "systemdspawner"),
    "docker": (),
    "local": ("jupyterhub",),
}


def blockers(folder: Path, spawner: SpawnerName) -> list[str]:
    """List why a hub can't work on this machine as it is configured; empty if it can.

    Args:
        folder: The hub's folder.
        spawner: How servers are started.
    """
    return list(_blockers(folder, spawner))


def missing(folder: Path, spawner: SpawnerName) -> list[str]:
    """List what README.md has a command for, and hasn't been done yet.

    Args:
        folder: The hub's folder.
        spawner: How servers are started.
    """
    return list(_missing(folder, spawner))


def _blockers(folder: Path, spawner: SpawnerName) -> Iterator[str]:
    if sys.platform == "win32":
        yield (
            "JupyterHub doesn't run on Windows: use these files in WSL, with Docker or with "
            "Kubernetes."
        )
        return
    if spawner == "systemd" and not has_systemd():
        yield "systemd doesn't run this machine, so its spawner can't work: use another one."
    if spawner == "docker" and not has_docker():
        yield "No Docker engine answers here, so its spawner can't work: start Docker first."
    if spawner != "docker" and is_root():
        # The folder itself may be closed, too, so the way leads into it.
        closed = closed_folder(Path(sys.executable), Path(sys.prefix), folder / "seats")
        if closed:
            yield (
                f"Learners can't get at what they need, because {closed} is closed to other users: "
                f"install Python and deployworkbook below /opt, for example, and choose a folder "
                f"that others may pass through."
            )


def _missing(folder: Path, spawner: SpawnerName) -> Iterator[str]:
    if sys.platform == "win32":
        return
    for package in PACKAGES[spawner]:
        if importlib.util.find_spec(package) is None:
            yield f"The package {package} isn't installed here: README.md has the command."
            break
    proxy = "configurable-http-proxy"
    is_there = shutil.which(proxy) or (folder / "proxy/node_modules/.bin" / proxy).exists()
    if spawner != "docker" and not is_there:
        yield f"The proxy {proxy} isn't installed here: README.md has the command."
    if spawner == "systemd" and not is_root():
        yield "systemd's spawner needs a hub that runs as root: use the unit that is written here."


def closed_folder(*paths: Path) -> Path | None:
    """Return the first folder on the way to one of the paths that others may not pass through."""
    for path in paths:
        resolved = path.resolve()
        for folder in reversed(resolved.parents):
            if folder.exists() and not folder.stat().st_mode & stat.S_IXOTH:
                return folder
    return None
