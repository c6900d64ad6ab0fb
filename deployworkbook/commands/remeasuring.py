"""Remeasure variants whose ledger rows look as if they were taken on a busy machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deployworkbook.costs.estimation.outliers import Outlier
    from deployworkbook.workspace.folder import Workspace


def remeasure_variants(outliers: Sequence[Outlier], dataset: Any, home: Workspace) -> None:
    """Remeasure the doubtful variants whose files are in the workspace; add rows to the ledger.

    Args:
        outliers: The doubtful rows.
        dataset: The data set they were measured on, ``mnist`` or ``digits``.
        home: The workspace with the files and the ledger.
    """
    from deployworkbook.ledger.book import Ledger
    from deployworkbook.runtimes.base import Artifact
    from deployworkbook.runtimes.benchmarking import benchmark
    from deployworkbook.runtimes.registry import runtime
    from deployworkbook.training.data import load_dataset

    data, ledger = load_dataset(dataset), Ledger(home.ledger_path)
    for each in outliers:
        variant, platform = each.profile.variant, each.profile.runtime
        path = home.artifacts / dataset / f"{variant}.{platform}"
        artifact = Artifact(path, platform, variant)
        if not artifact.path.is_dir():
            print(
                f"{each.profile.name} can't be remeasured: {artifact.path} is missing. Run the "
                "lesson that made it."
            )
            continue
        row = benchmark(runtime(platform), artifact, data, note="remeasured for a plan")
        ledger.add(row)
        print(f"{each.profile.name} was remeasured: p99 {row.latency_p99_ms:.3g} ms.")
