"""What the workers on a port tell each other, so that clients see one server.

Any of them may get a request for the status, the metrics or another configuration. A version counts
as available once all workers serve it, metrics are summed, and a configuration goes to all.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

from deployworkbook.serving.embedded.config import ModelConfig, models_of
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.manager import Manager
from deployworkbook.serving.embedded.metrics import Metrics
from deployworkbook.serving.embedded.models import Version, VersionState
from deployworkbook.serving.embedded.peers import Peers
from deployworkbook.serving.embedded.protos import model_server_config_pb2

# Loading models may take as long; the client that asked for it has its own time limit.
_CHANGE_S = 3600.0

# Of a version in a message: its number, its state, and the code and text of its error.
Told = tuple[int, int, int, str]


class Workers:
    """All workers, as one of them sees them.

    Args:
        peers: The connection to them.
        manager: This worker's models.
        metrics: This worker's metrics.
    """

    def __init__(self, peers: Peers, manager: Manager, metrics: Metrics) -> None:
        self._peers = peers
        self._manager = manager
        self._metrics = metrics

    def ready(self) -> None:
        """Tell the parent that this worker serves, and answer the others from now on."""
        self._peers.ready(
            {
                "change": self._change,
                "metrics": lambda _: self._metrics.state(),
                "status": self._told_status,
            }
        )

    def reload(self, config: Any) -> None:
        """Make all workers serve a ``ModelServerConfig``.

        Raises:
            ServingError: A worker couldn't, or none answered.
        """
        written = base64.b64encode(config.SerializeToString()).decode()
        answers = self._peers.ask("change", written, within_s=_CHANGE_S)
        if not answers:
            raise ServingError(Code.UNAVAILABLE, "No worker answered")
        for wrong in answers:
            if wrong is not None:
                raise ServingError(Code(wrong[0]), wrong[1])

    def status(self, name: str, number: int | None, own: Sequence[Version]) -> list[Version]:
        """Return the states of a model's versions that hold for all workers.

        Args:
            name: The model's name.
            number: The version asked for; ``None`` for all.
            own: What this worker says.
        """
        return agreed(own, self._peers.ask("status", [name, number]))

    def metrics_text(self) -> str:
        """Write the metrics of all workers together."""
        states = self._peers.ask("metrics", None)
        return Metrics.of(states or [self._metrics.state()]).text()

    def _change(self, written: str) -> tuple[int, str] | None:
        try:
            self._manager.apply(configured(written))
        except ServingError as error:
            return error.code, error.text
        return None

    def _told_status(self, asked: Any) -> list[Told]:
        try:
            versions = self._manager.catalogue.status(*asked)
        except ServingError:
            return []
        return [
            (v.number, v.state, v.error.code if v.error else 0, v.error.text if v.error else "")
            for v in versions
        ]


def configured(written: str) -> list[ModelConfig]:
    """Read the models of a configuration that ``Workers.reload`` has sent."""
    config = model_server_config_pb2.ModelServerConfig.FromString(base64.b64decode(written))
    return models_of(config)


def agreed(own: Sequence[Version], others: Iterable[Sequence[Told]]) -> list[Version]:
    """Merge what workers say about versions: available are those that all of them serve.

    Of the other states, the one furthest from being available counts.

    Args:
        own: This worker's versions.
        others: What each worker told.
    """
    told = [{each[0]: each for each in worker} for worker in others]
    merged = []
    for version in own:
        found = [worker.get(version.number) for worker in told]
        states = [VersionState(each[1]) if each else VersionState.START for each in found]
        states.append(version.state)
        lowest, highest = min(states), max(states)
        state = lowest if lowest < VersionState.AVAILABLE else highest
        errors = [ServingError(Code(each[2]), each[3]) for each in found if each and each[2]]
        error = version.error or (errors[0] if errors else None)
        merged.append(Version(version.number, version.path, state=state, error=error))
    return merged
