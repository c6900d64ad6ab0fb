"""Alertmanager as a process: it sends alerts to webhooks, and keeps some silent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deployworkbook.monitoring.alertmanager import alertmanager_text
from deployworkbook.monitoring.tools import Tool, find
from deployworkbook.serving.launcher.owned_process import ADDRESS
from deployworkbook.workspace.files import write_atomically

# Debian calls it by another name.
ALERTMANAGER = ("prometheus-alertmanager", "alertmanager")


class Alertmanager(Tool):
    """An Alertmanager that sends alerts to webhooks.

    Args:
        folder: Where its files go.
        webhooks: Addresses that get the messages.
        group_wait: How long to wait for more alerts before the first message.

    Raises:
        FileNotFoundError: It isn't installed.
        RuntimeError: It didn't start; the message quotes its log.
    """

    def __init__(
        self, *, folder: Path, webhooks: Sequence[str] = (), group_wait: str = "1s"
    ) -> None:
        program = find(ALERTMANAGER)
        folder.mkdir(parents=True, exist_ok=True)
        text = alertmanager_text(webhooks, group_wait=group_wait, group_interval="1s")
        write_atomically(folder / "alertmanager.yaml", text)
        super().__init__(
            lambda port: [
                program,
                f"--config.file={folder / 'alertmanager.yaml'}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address={ADDRESS}:{port}",
                # Otherwise it looks for others on the network.
                "--cluster.listen-address=",
            ],
            log_path=folder / "alertmanager.log",
        )

    def alerts(self) -> list[dict[str, Any]]:
        """List the alerts; ``status`` says by what each is silenced or inhibited, if it is."""
        found: list[dict[str, Any]] = self.get("/api/v2/alerts")
        return found

    def silence(self, minutes: float, *, why: str, **labels: str) -> str:
        """Keep alerts silent for a while, such as during a planned restart.

        Args:
            minutes: For how long.
            why: For those who see it.
            labels: Which alerts, such as ``alertname="ServerDown"``.

        Returns:
            The silence's ID.
        """
        now = time.time()
        times = {"startsAt": _iso(now), "endsAt": _iso(now + 60 * minutes)}
        matchers = [
            {"name": name, "value": value, "isRegex": False} for name, value in labels.items()
        ]
        about = {"createdBy": "deployworkbook", "comment": why}
        made = self.post("/api/v2/silences", {"matchers": matchers, **times, **about})
        return str(made["silenceID"])


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
