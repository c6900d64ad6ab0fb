"""How much memory a model takes: the peak of a process that does nothing but load and predict.

Run as ``python -m deployworkbook.runtimes.memory``, it is that process.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil

from deployworkbook.runtimes.base import Artifact
from deployworkbook.runtimes.registry import runtime
from deployworkbook.validation import check_integer

TIMEOUT_S = 120.0


def peak_memory_bytes(artifact: Artifact, *, batch_size: int = 1) -> int:
    """Measure the resident memory of a fresh process that loads an artifact and predicts once.

    It includes the interpreter and the runtime's own libraries: what a server would need at least.

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
    return int(done.stdout.split()[-1])


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
    predict = runtime(artifact.runtime).load(artifact)
    predict(np.zeros((batch_size, 28, 28), np.float32))
    print(_own_peak_bytes())


if __name__ == "__main__":
    _main()
