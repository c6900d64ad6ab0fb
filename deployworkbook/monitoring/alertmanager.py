"""Alertmanager's file: which alerts go where, and which keep silent beside others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from deployworkbook.monitoring.rule_files import PAGE, TICKET

RECEIVER = "operators"


def alertmanager_text(
    webhooks: Sequence[str] = (),
    *,
    group_wait: str = "10s",
    group_interval: str = "1m",
    repeat_interval: str = "4h",
) -> str:
    """Write Alertmanager's file.

    One message tells of all alerts of a job. Two inhibitions keep it short: a server that is down
    explains everything else about it, and a page explains the ticket about the same thing.

    Args:
        webhooks: Addresses that get the messages, as JSON over POST.
        group_wait: How long to wait for more alerts before the first message, such as ``10s``.
        group_interval: How long before a message about new alerts of the same job.
        repeat_interval: How long before the same message is sent again.

    >>> "inhibit_rules" in alertmanager_text(["http://127.0.0.1:9000/"])
    True
    """
    hooks: list[Mapping[str, Any]] = [{"url": url, "send_resolved": True} for url in webhooks]
    receiver: dict[str, Any] = {"name": RECEIVER}
    content = {
        "route": {
            "receiver": RECEIVER,
            "group_by": ["job"],
            "group_wait": group_wait,
            "group_interval": group_interval,
            "repeat_interval": repeat_interval,
        },
        "receivers": [receiver | ({"webhook_configs": hooks} if hooks else {})],
        "inhibit_rules": [
            {
                "source_matchers": ["alertname = ServerDown"],
                "target_matchers": ["alertname != ServerDown"],
                "equal": ["job"],
            },
            {
                "source_matchers": [f"severity = {PAGE}"],
                "target_matchers": [f"severity = {TICKET}"],
                "equal": ["job", "alertname"],
            },
        ],
    }
    text: str = yaml.safe_dump(content, sort_keys=False)
    return text
