"""A builder of a sweep's points without TensorFlow: the same folders, locks and rows, in no time.

Files in the workspace decide what happens in the middle of a stage: ``kill-2`` kills the worker
that makes the second stage, once; ``hold-2`` holds it until the file is removed.
"""

import os
import signal
import time
from dataclasses import dataclass

from deployworkbook.compression.sweep_task import Made
from deployworkbook.ledger.machine import this_machine
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.workspace.cache import build_once, key_of
from deployworkbook.workspace.folder import Workspace


@dataclass(frozen=True)
class LightBuilder:
    """Builds two stages per point, as the pipeline does; points share the first."""

    epochs: int | None = None
    seed: int = 0

    def check(self, points):
        pass

    def keys(self, points, dataset, folder, notice):
        settings = {"epochs": self.epochs, "seed": self.seed}
        keys = []
        for point in points:
            pruned = key_of(settings | {"sparsity": point.sparsity, "T": point.temperature})
            keys.append((pruned, key_of({"before": pruned, "bits": point.bits})))
        return keys

    def prepare(self, dataset, folder, notice):
        pass

    def make(self, task):
        workspace = Workspace(task.root)
        (workspace.root / f"began-{os.getpid()}").touch()

        def build(target):
            (target / "stage.txt").write_text("made")
            happen(workspace)

        labels = (f"prune{100 * task.point.sparsity:g}", f"int{task.point.bits}")
        made = 0
        for label, key in zip(labels, task.keys, strict=True):
            folder = workspace.models / f"stage-{task.dataset}-{label}-{key}"
            made += build_once(folder, build=build, load=os.listdir, notice=str)[1]
        measurement = Measurement(
            f"{task.point}-e{self.epochs}",
            "litert",
            "2",
            task.dataset,
            "f",
            compressed_bytes=1000 * task.point.bits,
            correct=90 + task.point.bits,
            examples=100,
            latency_p50_ms=0.01,
            made_by=task.keys[-1],
        )
        return Made(measurement, this_machine(), made)


def happen(workspace):
    number = 1 + len(list(workspace.models.glob("stage-*")))
    kill, hold = (workspace.root / f"{what}-{number}" for what in ("kill", "hold"))
    if kill.exists():
        kill.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    while hold.exists():
        time.sleep(0.02)


def run_command():
    """Be the command ``deployworkbook``, with this builder."""
    # Imported here: workers need neither, and importing takes most of their time.
    from deployworkbook.cli import main
    from deployworkbook.compression import sweep

    sweep.builder_of = LightBuilder
    main()
