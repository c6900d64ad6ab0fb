"""papermill without its client for notebooks on the web, which takes a fifth of a run's start."""

from __future__ import annotations

from deployworkbook.workspace.later import imported_later

with imported_later("requests"):
    from papermill import execute_notebook
    from papermill.engines import NBClientEngine, papermill_engines
    from papermill.exceptions import PapermillExecutionError, strip_color

__all__ = [
    "NBClientEngine",
    "PapermillExecutionError",
    "execute_notebook",
    "papermill_engines",
    "strip_color",
]
