"""How much memory each learner's server and kernels take, seen from the same machine."""

from __future__ import annotations

import psutil

from deployworkbook.jupyter.memory_use import family, proportional_bytes

USER = "JUPYTERHUB_USER"


def servers() -> dict[str, int]:
    """Return the process of each learner's server on this machine, by the learner's name.

    Servers of other users of the system, and those in containers of other machines, aren't seen.
    """
    found: dict[str, int] = {}
    for process in psutil.process_iter():
        try:
            name = process.environ().get(USER, "")
            parent = process.parent()
            # Kernels inherit the name; the server is the one whose parent hasn't it.
            if name and (parent is None or parent.environ().get(USER) != name):
                found.setdefault(name, process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def learners_bytes(pids: dict[str, int]) -> dict[str, int]:
    """Return what each learner's server and kernels take together, in bytes.

    Pages that several learners share are divided among them, so that the sum is what the machine
    needs.

    Args:
        pids: The servers, as ``servers`` finds them.
    """
    return {
        name: sum(proportional_bytes(member) for member in family(pid))
        for name, pid in pids.items()
    }
