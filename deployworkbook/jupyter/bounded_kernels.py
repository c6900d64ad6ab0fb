"""Kernels whose memory is bounded: one that needs too much is stopped, and its learner told why.

A hub gives each learner's server a memory limit. When the system enforces it, it kills whichever
process it likes, and running out of memory looks like a crash. So the server watches its kernels
itself, five times a second, and stops one of them before it comes to that. The system's own limit,
if there is one, stays behind it for what grows faster.

Enable it with
``--ServerApp.kernel_manager_class=deployworkbook.jupyter.bounded_kernels.BoundedKernels`` and
``--ServerApp.kernel_websocket_connection_class=deployworkbook.jupyter.explained.ExplainedConnection``;
the limit is ``MEM_LIMIT``, which JupyterHub sets, in bytes.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.ioloop import PeriodicCallback
from traitlets import Float, Int, default

from deployworkbook.jupyter.explained import ExplainedConnection
from deployworkbook.jupyter.memory_use import family, private_bytes
from deployworkbook.jupyter.standing_back import StandingBack

GIB = 2**30

NEEDED_TOO_MUCH = """\
This kernel was stopped because it needed too much memory: your server and its kernels used
{used_gib:.2f} of the {limit_gib:.2f} GiB that each learner has.
The kernel's variables are gone. Your notebook and your files are not: run the cells from the top.
If it happens again, first choose "Shut Down All Kernels..." in the menu "Kernel", because the
kernel of each open notebook keeps its memory, and make the arrays in your own code smaller.\
"""
MADE_ROOM = """\
This kernel was stopped while it was idle, to make room for another notebook's kernel: your server
and its kernels used {used_gib:.2f} of the {limit_gib:.2f} GiB that each learner has.
Its variables are gone. Your notebook and your files are not: run the cells from the top.\
"""
KILLED = """\
The system killed this kernel, most likely because the machine ran out of memory: your server and
its kernels used {used_gib:.2f} of the {limit_gib:.2f} GiB that each learner has. Tell your teacher.
The kernel's variables are gone. Your notebook and your files are not: run the cells from the top.\
"""

# A kernel reserves address space that it never uses: TensorFlow about 1.7 times what it uses. Its
# reservations are refused only beyond this, so that one huge array can't take the machine down
# between two looks.
RESERVED_PER_LIMIT = 2.0
RESERVED_BYTES = GIB // 2

# A kernel is stopped just before the system's own limit would kill it. One that was killed so
# close to the limit died of it.
STOP_AT_SHARE = 0.95
CLOSE_SHARE = 0.8

# When the system has to choose, it kills kernels before servers, and servers answer before kernels.
KILL_FIRST = 800
NICENESS = 5


@dataclass(frozen=True)
class KernelUse:
    """A kernel at one moment.

    Args:
        kernel_id: Its ID.
        memory_bytes: Its memory and that of its children.
        is_idle: Whether it is running no cell.
        idle_s: Seconds since its last message.
    """

    kernel_id: str
    memory_bytes: int
    is_idle: bool
    idle_s: float


def choose(kernels: list[KernelUse], excess_bytes: int) -> KernelUse:
    """Choose the kernel to stop: the longest idle one that frees enough, else the largest.

    Args:
        kernels: At least one.
        excess_bytes: By how much the limit is exceeded.

    >>> working = KernelUse("05", 900, is_idle=False, idle_s=0)
    >>> forgotten = KernelUse("04", 400, is_idle=True, idle_s=600)
    >>> choose([working, forgotten], 100).kernel_id, choose([working, forgotten], 500).kernel_id
    ('04', '05')
    """
    enough = [each for each in kernels if each.is_idle and each.memory_bytes >= excess_bytes]
    if enough:
        return max(enough, key=lambda each: each.idle_s)
    return max(kernels, key=lambda each: each.memory_bytes)


class BoundedKernels(AsyncMappingKernelManager):
    """Stop a kernel when this server and its kernels need more memory than the learner has.

    A kernel whose cell takes long stands back behind others meanwhile.
    """

    limit_bytes = Int(0, help="Memory of this server and its kernels; 0 for no limit.", config=True)
    check_s = Float(0.2, help="Seconds between two looks.", config=True)

    @default("limit_bytes")
    def _limit_of_the_hub(self) -> int:
        return int(os.environ.get("MEM_LIMIT") or 0)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        self._watch: PeriodicCallback | None = None
        self._families: dict[int, tuple[float, list[int]]] = {}
        self._bounded: set[int] = set()
        self._stopped: set[int] = set()
        self._used_bytes = 0
        self._standing_back = StandingBack()

    def initialize_culler(self) -> None:
        """Begin to cull and to watch, when the first kernel has started."""
        super().initialize_culler()  # type: ignore[no-untyped-call]
        if self.limit_bytes and self._watch is None:
            self._watch = PeriodicCallback(self.check_memory, self.check_s * 1000)
            self._watch.start()

    def check_memory(self) -> None:
        """Look once; stop a kernel if the limit is exceeded."""
        kernels, pids = [], {}
        for kernel_id, kernel in list(self._kernels.items()):
            process = getattr(getattr(kernel, "provisioner", None), "process", None)
            if process is None:
                continue
            pids[kernel_id] = process.pid
            if process.poll() is not None:
                self._standing_back.forget(process.pid)
                self._note_death(kernel_id, process.pid, int(process.returncode))
                continue
            self._bound(process.pid)
            memory = sum(private_bytes(pid) for pid in self._family(process.pid))
            is_idle = getattr(kernel, "execution_state", "") == "idle"
            self._standing_back.note(process.pid, is_idle=is_idle)
            idle_s = time.time() - kernel.last_activity.timestamp() if is_idle else 0.0
            kernels.append(KernelUse(kernel_id, memory, is_idle, idle_s))
        own = private_bytes(os.getpid())
        self._used_bytes = own + sum(kernel.memory_bytes for kernel in kernels)
        most = int(self.limit_bytes * STOP_AT_SHARE)
        if kernels and self._used_bytes > most:
            chosen = choose(kernels, self._used_bytes - most)
            self._stop(chosen, pids[chosen.kernel_id])

    def _stop(self, kernel: KernelUse, pid: int) -> None:
        self._explain(kernel.kernel_id, MADE_ROOM if kernel.is_idle else NEEDED_TOO_MUCH)
        self._stopped.add(pid)
        for member in family(pid):
            with suppress(OSError):
                os.kill(member, signal.SIGKILL)

    def _note_death(self, kernel_id: str, pid: int, code: int) -> None:
        """Explain a death by the system's hand; a kernel's own end needs no explanation."""
        if pid not in self._stopped and code == -signal.SIGKILL:
            self._stopped.add(pid)
            is_close = self._used_bytes > self.limit_bytes * CLOSE_SHARE
            self._explain(kernel_id, NEEDED_TOO_MUCH if is_close else KILLED)

    def _explain(self, kernel_id: str, reason: str) -> None:
        text = reason.format(
            used_gib=self._used_bytes / GIB,
            limit_gib=self.limit_bytes / GIB,
        )
        self.log.warning("Kernel %s was stopped for want of memory.", kernel_id)
        ExplainedConnection.explain(kernel_id, text)

    def _family(self, pid: int) -> list[int]:
        """Return a kernel's processes; new ones are looked for every other second."""
        looked_at, members = self._families.get(pid, (0.0, []))
        now = time.monotonic()
        if now - looked_at > 2:
            members = family(pid)
            self._families[pid] = now, members
        return members

    def _bound(self, pid: int) -> None:
        """Bound what a new kernel may reserve, and let it stand back behind the server."""
        if pid in self._bounded:
            return
        self._bounded.add(pid)
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, NICENESS)
        if sys.platform != "linux":
            return
        import resource

        most = int(self.limit_bytes * RESERVED_PER_LIMIT) + RESERVED_BYTES
        with suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (most, most))
        with suppress(OSError):
            Path(f"/proc/{pid}/oom_score_adj").write_text(str(KILL_FIRST))
