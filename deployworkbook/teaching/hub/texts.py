"""The texts of all files that start a class's hub, filled in from templates."""

from __future__ import annotations

import inspect
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from deployworkbook import __version__
from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.jupyter.seat import IDLE_KERNEL_S
from deployworkbook.teaching.hub import accounts, sums
from deployworkbook.teaching.hub.settings import HubSettings, SpawnerName, has_control_groups
from deployworkbook.workspace.templates import render
from deployworkbook.workspace.users import is_root

TEMPLATES = Path(__file__).parent / "templates"
# Classes for which the README also has the sums.
OTHER_CLASSES = (5, 10, 20, 40)


@dataclass(frozen=True)
class Place:
    """Where a configuration runs.

    Args:
        folder: The folder of the configuration there.
        address: Address on which the proxy listens.
        port: Its port; the hub uses the one after it, and the 81st.
        python: Python expression of the interpreter that starts learners' servers.
        spawner: How servers are started.
        shared_models: The folder of shared models there; empty if there is none.
    """

    folder: str
    address: str
    port: int
    python: str
    spawner: SpawnerName
    shared_models: str


def texts(
    folder: Path,
    settings: HubSettings,
    catalog: Catalog,
    *,
    has_class_file: bool,
    blockers: Sequence[str],
    again: str,
) -> dict[str, str]:
    """Return each file's text by its path within the folder.

    Args:
        folder: The absolute path of the folder.
        settings: The class.
        catalog: Machines and prices, for the sums.
        has_class_file: Whether the class's password is in a file of the folder.
        blockers: Why the hub can't work on this machine.
        again: The command that writes this.
    """
    here = Place(
        str(folder),
        settings.address,
        settings.port,
        "sys.executable",
        settings.spawner,
        str(settings.shared_models or ""),
    )
    container = Place(
        "/srv/hub",
        "0.0.0.0",  # noqa: S104 (compose.yaml decides who reaches it)
        8000,
        '"python"',
        "docker",
        "/srv/models" if settings.shared_models else "",
    )
    own = sums.sums_of(settings, catalog)
    common = {"settings": settings, "version": __version__}
    config = TEMPLATES / "jupyterhub_config.py.j2"
    unit = {}
    if settings.spawner != "docker":  # whose hub is a container that Docker starts
        unit["deployworkbook-hub.service"] = render(
            TEMPLATES / "deployworkbook-hub.service.j2",
            python=sys.executable,
            folder=folder,
            spawner=settings.spawner,
            path=os.environ.get("PATH", os.defpath),
            mnist=os.environ.get("DEPLOYWORKBOOK_MNIST", ""),
        )
    return {
        "jupyterhub_config.py": render(config, place=here, **common),
        **unit,
        "docker/jupyterhub_config.py": render(config, place=container, **common),
        "docker/compose.yaml": render(TEMPLATES / "compose.yaml.j2", **common),
        "docker/Dockerfile": render(
            TEMPLATES / "Dockerfile.j2",
            python_version=".".join(platform.python_version_tuple()[:2]),
        ),
        "docker/constraints.txt": installed_versions(),
        "kubernetes/values.yaml": render(
            TEMPLATES / "values.yaml.j2",
            sums=own,
            accounts_source=login_source(),
            cores_per_learner=min(sums.CORES_PER_LEARNER, settings.cpus),
            learner_disk_gib=max(1, round(sums.LESSONS_GIB)),
            **common,
        ),
        "README.md": render(
            TEMPLATES / "README.md.j2",
            folder=folder,
            python=sys.executable,
            enforced=enforced(settings.spawner),
            sums=own,
            table=[
                sums.sums_of(settings, catalog, learners=count)
                for count in sorted({settings.seats, *OTHER_CLASSES})
            ],
            hub_gib=sums.HUB_GIB,
            system_gib=sums.SYSTEM_GIB,
            cores_per_learner=sums.CORES_PER_LEARNER,
            packages_gib=sums.PACKAGES_GIB,
            system_disk_gib=sums.SYSTEM_DISK_GIB,
            learner_disk_gib=sums.LESSONS_GIB,
            idle_kernel_minutes=IDLE_KERNEL_S // 60,
            has_class_file=has_class_file,
            blockers=blockers,
            again=again,
            **common,
        ),
    }


def enforced(spawner: SpawnerName) -> list[str]:
    """Say in whole sentences what limits a learner on this machine, and what doesn't.

    Args:
        spawner: How servers are started.
    """
    watched = (
        "Each learner's server looks at the memory of its kernels five times a second, and stops "
        "one kernel when all of them together need more than the learner has."
    )
    if spawner == "systemd":
        return [
            watched,
            "systemd enforces memory and processor time per learner: MemoryMax, CPUQuota, and the "
            "same CPUWeight for all.",
            "Each learner is a user of the system, whose folder nobody else can open.",
        ]
    if spawner == "docker":
        return [
            watched,
            "Docker enforces memory and processor time per container, without swap.",
            "Each learner has a container and a volume of their own.",
        ]
    reserved = (
        "A kernel can't reserve more than twice the learner's memory and half a GiB besides, so "
        "that one huge array can't take the machine down between two looks."
    )
    if not is_root():
        return [
            watched,
            reserved,
            "Processor time is not enforced: kernels stand back behind the servers (nice 5), and "
            "share what is left. Where Linux shares it by session, as most systems do, a kernel "
            "stands back behind the others while it computes for more than a second. Run the hub "
            "as root, with systemd or with Docker for a limit.",
            "Learners are not separated: all servers run as the user who starts the hub, so a "
            "learner can open the folders of others. Run the hub as root, with systemd or with "
            "Docker if they don't trust each other.",
        ]
    separated = (
        "Each learner's server runs under a user ID of its own, which needs no account, and whose "
        "folder nobody else can open."
    )
    if has_control_groups():
        return [
            watched,
            "Control groups enforce memory and processor time per learner. Whoever computes for "
            "more than a second stands back behind the others until the cell ends, so that a "
            "slider stays quick while others train.",
            separated,
        ]
    return [
        watched,
        reserved,
        "Processor time is not enforced, because control groups can't be made here: kernels stand "
        "back behind the servers (nice 5), and share what is left.",
        separated,
    ]


@cache
def installed_versions() -> str:
    """Return the exact versions of this environment's packages, as pip's constraints.

    A package that was installed from a folder has no version that pip could fetch, and is left out.
    """
    lines = set()
    for found in distributions():
        name, origin = found.metadata["Name"], found.read_text("direct_url.json")
        is_local = origin is not None and json.loads(origin)["url"].startswith("file:")
        if name and not is_local and name.lower() != "deployworkbook":
            lines.add(f"{name}=={found.version}")
    return "\n".join(sorted(lines, key=str.lower)) + "\n"


def login_source() -> str:
    """Return the source of the login, for a hub in whose image this package isn't installed."""
    from deployworkbook.teaching.hub import authenticator

    own_import = "from deployworkbook.teaching.hub.accounts import Accounts\n"
    return inspect.getsource(accounts) + inspect.getsource(authenticator).replace(own_import, "")
