"""Prometheus and Alertmanager as processes of ours: started, waited for, asked, and ended."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests
import yaml

from deployworkbook.monitoring.alertmanager import alertmanager_text
from deployworkbook.monitoring.rule_files import Group, rules_text
from deployworkbook.serving.launcher import guard
from deployworkbook.validation import message
from deployworkbook.workspace.files import write_atomically

ADDRESS = "127.0.0.1"
READY_S = 30.0
GRACE_S = 10.0
TRIES = 3
# Where programs are found: Debian calls Alertmanager by another name.
PROMETHEUS = ("prometheus",)
ALERTMANAGER = ("prometheus-alertmanager", "alertmanager")
INSTALL = "Debian and Ubuntu: apt-get install prometheus prometheus-alertmanager."


class Tool(contextlib.AbstractContextManager["Tool"]):
    """A program that answers over HTTP; it ends with this process, however that ends.

    Args:
        command: Writes the program and its arguments for a port.
        log_path: The file for its output.
    """

    def __init__(self, command: Callable[[int], Sequence[str]], *, log_path: Path) -> None:
        self.log_path = log_path
        self._session = requests.Session()
        self._session.trust_env = False
        for attempt in range(TRIES):
            port = free_port()
            self.command = list(command(port))
            self.host_and_port = f"{ADDRESS}:{port}"
            self.address = f"http://{self.host_and_port}"
            self._start()
            failure = self._failure_to_start()
            if not failure:
                return
            # Another process may have taken the port since it was found free.
            if "address already in use" not in failure or attempt == TRIES - 1:
                raise RuntimeError(failure)

    def _start(self) -> None:
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._guard = subprocess.Popen(
            [sys.executable, "-I", guard.__file__, str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        atexit.register(self.stop)

    @property
    def pid(self) -> int:
        """The process ID."""
        return self._process.pid

    def is_running(self) -> bool:
        """Return whether it runs."""
        return self._process.poll() is None

    def get(self, path: str, **parameters: Any) -> Any:
        """Ask for something and return its JSON.

        Args:
            path: The path, such as ``/api/v1/alerts``.
            parameters: The query's parameters.

        Raises:
            ValueError: The program refuses the request; the message is its own.
        """
        answer = self._session.get(f"{self.address}{path}", params=parameters, timeout=10)
        if not answer.ok:
            raise ValueError(f"{self.command[0]} says: {answer.text.strip()}")
        return answer.json()

    def post(self, path: str, content: Any) -> Any:
        """Send JSON and return the answer's.

        Args:
            path: The path.
            content: What to send.

        Raises:
            ValueError: The program refuses the request; the message is its own.
        """
        answer = self._session.post(f"{self.address}{path}", json=content, timeout=10)
        if not answer.ok:
            raise ValueError(f"{self.command[0]} says: {answer.text.strip()}")
        return answer.json() if answer.content else None

    def stop(self) -> None:
        """End it, unless it has ended."""
        atexit.unregister(self.stop)
        self._session.close()
        if self.is_running():
            self._process.terminate()
            try:
                self._process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._guard.poll() is None:
            self._guard.communicate(b".")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _failure_to_start(self) -> str:
        """Wait until it answers; return what went wrong if it doesn't, and nothing if it does."""
        deadline = time.monotonic() + READY_S
        while not self._is_ready():
            if not self.is_running() or time.monotonic() > deadline:
                self.stop()
                end = "\n".join(self.log_path.read_text(errors="replace").splitlines()[-10:])
                return (
                    f"{self.command[0]} did not start. The end of its log, {self.log_path}:\n{end}"
                )
            time.sleep(0.02)
        return ""

    def _is_ready(self) -> bool:
        try:
            return self._session.get(f"{self.address}/-/ready", timeout=2).ok
        except requests.RequestException:
            return False


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


def find(names: Sequence[str]) -> str:
    """Return the path of a program.

    Args:
        names: Its names; the first one found counts.

    Raises:
        FileNotFoundError: None is installed.
    """
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return path
    raise FileNotFoundError(
        message(
            "program",
            received=f"no {' and no '.join(names)} on PATH",
            expected=f"{names[0]} to be installed",
            remedy=INSTALL,
        )
    )


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


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
