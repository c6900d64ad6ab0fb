"""Prometheus as a process: it reads servers, evaluates rules and answers queries."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from deployworkbook.monitoring.rule_files import Group, rules_text
from deployworkbook.monitoring.tools import READY_S, Tool, find
from deployworkbook.serving.launcher.owned_process import ADDRESS
from deployworkbook.workspace.files import write_atomically

PROMETHEUS = ("prometheus",)


class Prometheus(Tool):
    """A Prometheus that reads some servers and evaluates rules.

    Args:
        targets: Addresses of metrics by job, such as ``{"model-server":
            ["http://127.0.0.1:8501/monitoring/prometheus/metrics"]}``.
        folder: Where its files go.
        groups: Rules.
        alertmanager: Where alerts go, such as ``127.0.0.1:9093``; empty for nowhere.
        interval: How often it reads and evaluates, such as ``1s``.

    Raises:
        FileNotFoundError: It isn't installed.
        RuntimeError: It didn't start; the message quotes its log.
    """

    def __init__(
        self,
        targets: dict[str, list[str]],
        *,
        folder: Path,
        groups: Sequence[Group] = (),
        alertmanager: str = "",
        interval: str = "1s",
    ) -> None:
        program = find(PROMETHEUS)
        self._servers = sum(map(len, targets.values()))
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "rules.yaml", rules_text(groups))
        write_atomically(folder / "prometheus.yaml", configuration(targets, alertmanager, interval))
        super().__init__(
            lambda port: [
                program,
                f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--storage.tsdb.retention.time=2h",
                f"--web.listen-address={ADDRESS}:{port}",
            ],
            log_path=folder / "prometheus.log",
        )

    def wait_for_readings(self, count: int = 1) -> None:
        """Wait until it has tried to read all its servers a number of times.

        Args:
            count: How many times; rates need two.

        Raises:
            TimeoutError: It hasn't for half a minute.
        """
        deadline = time.monotonic() + READY_S
        # A server that doesn't answer has a reading, too: that it is down.
        text = f"count(count_over_time(up[5m]) >= {count})"
        while [value for _, value in self.query(text)] != [self._servers]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.command[0]} reads nothing; its log: {self.log_path}")
            time.sleep(0.05)

    def query(self, text: str) -> list[tuple[dict[str, str], float]]:
        """Ask for a query's present values; NaN, the share of nothing, is left out.

        Args:
            text: PromQL.

        Returns:
            Pairs of labels and value.

        Raises:
            ValueError: It is no PromQL.
        """
        result = self.get("/api/v1/query", query=text)["data"]["result"]
        found = [(each["metric"], float(each["value"][1])) for each in result]
        return [(labels, value) for labels, value in found if value == value]

    def query_range(
        self, text: str, *, seconds: float, step: str = "1s"
    ) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
        """Ask for a query's values over the last seconds, such as for a plot.

        Args:
            text: PromQL.
            seconds: How far back.
            step: The distance of values.

        Returns:
            Pairs of labels, and of times (seconds since 1970) with values.

        Raises:
            ValueError: It is no PromQL.
        """
        end = time.time()
        given = {"query": text, "start": end - seconds, "end": end, "step": step}
        result = self.get("/api/v1/query_range", **given)["data"]["result"]
        return [
            (each["metric"], [(float(at), float(value)) for at, value in each["values"]])
            for each in result
        ]

    def alerts(self) -> list[dict[str, Any]]:
        """List the alerts that are pending or fire, with ``labels``, ``state`` and ``activeAt``."""
        found: list[dict[str, Any]] = self.get("/api/v1/alerts")["data"]["alerts"]
        return found


def configuration(targets: dict[str, list[str]], alertmanager: str, interval: str) -> str:
    """Write Prometheus' file.

    Args:
        targets: Addresses of metrics by job.
        alertmanager: Where alerts go; empty for nowhere.
        interval: How often to read and evaluate.
    """
    jobs = []
    for job, addresses in targets.items():
        for number, address in enumerate(addresses):
            host, _, path = address.partition("://")[2].partition("/")
            jobs.append(
                {
                    "job_name": job if number == 0 else f"{job}-{number + 1}",
                    "metrics_path": f"/{path or 'metrics'}",
                    "static_configs": [{"targets": [host], "labels": {"job": job}}],
                }
            )
    content: dict[str, Any] = {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "evaluation_interval": interval,
        },
        "rule_files": ["rules.yaml"],
        "scrape_configs": jobs,
    }
    if alertmanager:
        content["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    text: str = yaml.safe_dump(content, sort_keys=False)
    return text
