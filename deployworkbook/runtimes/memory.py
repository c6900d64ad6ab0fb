"""What a fresh process takes to start with a model: its peak of memory, and how long it loads.

Run as ``python -m deployworkbook.runtimes.memory``, it is that process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from deployworkbook.runtimes.base import Artifact
from deployworkbook.runtimes.registry import runtime
from deployworkbook.validation import check_integer

TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Start:
    """A fresh process that loads an artifact and predicts once.

    Args:
        peak_memory_bytes: Its resident memory at the most, the interpreter and the runtime's own
            libraries included: what a server would need at least.
        import_s: How long the runtime's libraries took to import.
        load_s: How long the artifact took to load.
        first_s: How long the first prediction took.
    """

    peak_memory_bytes: int
    import_s: float
    load_s: float
    first_s: float

    @property
    def ready_s(self) -> float:
        """From a running interpreter to the first answer."""
        return self.import_s + self.load_s + self.first_s

    @property
    def row(self) -> dict[str, Any]:
        """What the ledger keeps of it, by the names of a ``Measurement``."""
        return {
            "peak_memory_bytes": self.peak_memory_bytes,
            "load_ms": 1000 * self.load_s,
            "ready_ms": 1000 * self.ready_s,
        }


def peak_memory_bytes(artifact: Artifact, *, batch_size: int = 1) -> int:
    """Measure the resident memory of a fresh process, as ``start_process`` does."""
    return start_process(artifact, batch_size=batch_size).peak_memory_bytes


def start_process(artifact: Artifact, *, batch_size: int = 1) -> Start:
    """Start a process that loads an artifact and predicts once; measure it.

    Args:
        artifact: What to load.
        batch_size: How many images to predict at once.

    Raises:
        RuntimeError: The process failed; its error is quoted.
    """
    request = {
        "path": str(artifact.path.resolve()),
        "runtime": artifact.runtime,
        "variant": artifact.variant,
        "batch_size": check_integer("batch_size", batch_size, 1),
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
        raise RuntimeError(
            f"The process that was to load {artifact.path} failed:\n{done.stderr.strip()}"
        )
    return Start(**json.loads(done.stdout.splitlines()[-1]))


def _own_peak_bytes() -> int:
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage's ru_maxrss: a new process inherits that figure from the one that forked.
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
    batch_size = request.pop("batch_size")
    artifact = Artifact(Path(request.pop("path")), **request)
    images = np.zeros((batch_size, 28, 28), np.float32)
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
