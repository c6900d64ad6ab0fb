"""What a fresh process takes to start with a model: peak memory, and time to load.

Run as ``python -m deployworkbook.runtimes.memory``, it is that process.
"""

from __future__ import annotations

import ctypes
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import psutil

from deployworkbook.runtimes.base import Artifact
from deployworkbook.runtimes.registry import runtime

TIMEOUT_S = 120.0

T = TypeVar("T")


@dataclass(frozen=True)
class Start:
    """Memory and times of a fresh process that loads an artifact and predicts once.

    Args:
        peak_memory_bytes: Peak resident memory, including the interpreter and the runtime's own
            libraries: the least that a server would need.
        import_s: Time to import the runtime's libraries, seconds.
        load_s: Time to load the artifact, seconds.
        first_s: Time of the first prediction, seconds.
    """

    peak_memory_bytes: int
    import_s: float
    load_s: float
    first_s: float

    @property
    def ready_s(self) -> float:
        """Seconds from a running interpreter to the first answer."""
        return self.import_s + self.load_s + self.first_s

    @property
    def row(self) -> dict[str, Any]:
        """The fields of a ``Measurement`` that come from it."""
        return {
            "peak_memory_bytes": self.peak_memory_bytes,
            "load_ms": 1000 * self.load_s,
            "ready_ms": 1000 * self.ready_s,
        }


def start_process(artifact: Artifact) -> Start:
    """Measure a fresh process that loads an artifact and predicts one image.

    Args:
        artifact: The artifact to load.

    Raises:
        RuntimeError: The process failed; its error is quoted.
    """
    request = {
        "path": str(artifact.path.resolve()),
        "runtime": artifact.runtime,
        "variant": artifact.variant,
    }
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"A process could not load {artifact.path}:\n{done.stderr.strip()}")
    return Start(**json.loads(done.stdout.splitlines()[-1]))


def added_memory(make: Callable[[], T]) -> tuple[T, int]:
    """Return what a function makes, and how much it adds to this process's resident memory.

    Memory that was freed before, but that the C library keeps for later, is given back first where
    that is possible (Linux), since what is made could take its place unseen.

    Args:
        make: Opens or makes something large; called once.

    Returns:
        What it returned, and bytes, at least 0: what stays, not what it needed for a moment.

    >>> block, added = added_memory(lambda: b"x" * 20_000_000)
    >>> added >= 0
    True
    """
    gc.freeze()  # what is there already, garbage too, stays until the end: no need to search it
    try:
        before = _resident_bytes()
        made = make()
        gc.collect()
        return made, max(_resident_bytes() - before, 0)
    finally:
        gc.unfreeze()


def _resident_bytes() -> int:
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl doesn't
        if trim is not None:
            trim(0)
    return int(psutil.Process().memory_info().rss)


def _own_peak_bytes() -> int:
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage's ru_maxrss, which a new process inherits from its parent.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    own = psutil.Process().memory_info()
    if hasattr(own, "peak_wset"):  # Windows
        return int(own.peak_wset)
    import resource

    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # macOS: in bytes


def _main() -> None:
    request = json.load(sys.stdin)
    artifact = Artifact(Path(request.pop("path")), **request)
    images = np.zeros((1, 28, 28), np.float32)
    begun = time.perf_counter()
    platform = runtime(artifact.runtime)
    imported = time.perf_counter()
    predict = platform.load(artifact)
    loaded = time.perf_counter()
    predict(images)
    done = time.perf_counter()
    start = Start(_own_peak_bytes(), imported - begun, loaded - imported, done - loaded)
    print(json.dumps(asdict(start)))


if __name__ == "__main__":
    _main()
