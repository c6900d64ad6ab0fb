"""A model server that this process has started."""

from __future__ import annotations

import contextlib
import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

import grpc
import psutil
import requests

from deployworkbook.serving.api import server_files
from deployworkbook.serving.api.addresses import host_and_port
from deployworkbook.serving.client.grpc import open_channel
from deployworkbook.serving.embedded.flags import PARENT_VARIABLE
from deployworkbook.serving.launcher.backends import Backend, FlagValue, removal, server_command
from deployworkbook.serving.launcher.owned_process import ADDRESS, OwnedProcess
from deployworkbook.serving.security.trust import Certificates


class StartError(RuntimeError):
    """The server ended early or wasn't ready in time; the message quotes the end of its log."""


class RunningServer(OwnedProcess):
    """A running server and its two addresses; ``start`` makes one.

    Args:
        backend: The kind of server.
        flags: Its flags, except the ports.
        ports: The ports for gRPC and REST.
        log_path: The file for its output.
        tls: Its certificates; ``None`` without TLS.
    """

    def __init__(
        self,
        backend: Backend,
        flags: Mapping[str, FlagValue],
        ports: tuple[int, int],
        log_path: Path,
        tls: Certificates | None = None,
    ) -> None:
        self._trust = tls.trust if tls else None
        self.backend = backend.name
        self.why = backend.why
        self.grpc_port, self.rest_port = ports
        self.monitored = "monitoring_config_file" in flags
        name = f"deployworkbook-{uuid.uuid4().hex[:12]}"
        all_flags = {"port": ports[0], "rest_api_port": ports[1], **flags}
        super().__init__(
            server_command(backend, all_flags, name=name),
            log_path=log_path,
            environment={**os.environ, PARENT_VARIABLE: str(os.getpid())},
            # The embedded server watches its parent by itself.
            guarded=backend.name != "embedded",
            cleanup=removal(backend, name=name),
        )

    @property
    def grpc_address(self) -> str:
        """The gRPC address, such as ``127.0.0.1:8500``."""
        return host_and_port(ADDRESS, self.grpc_port)

    @property
    def rest_address(self) -> str:
        """The REST address, such as ``http://127.0.0.1:8501``; with TLS, ``https://…``."""
        scheme = "http" if self._trust is None else "https"
        return f"{scheme}://{host_and_port(ADDRESS, self.rest_port)}"

    @property
    def metrics_address(self) -> str | None:
        """The address of the metrics for Prometheus; ``None`` without ``monitoring``."""
        return f"{self.rest_address}{server_files.METRICS_PATH}" if self.monitored else None

    @property
    def memory_bytes(self) -> int | None:
        """Resident memory of its process and workers, in bytes.

        ``None`` for a container or an ended server.
        """
        if self._cleanup or not self.is_running():
            return None
        process = psutil.Process(self.pid)
        return sum(int(each.memory_info().rss) for each in (process, *process.children()))

    def wait_until_ready(self, model_name: str, timeout_s: float) -> None:
        """Wait until both ports answer and the model, if there is one of that name, is loaded.

        Raises:
            StartError: The server ended first, or took too long and was killed.
        """
        deadline = time.monotonic() + timeout_s
        with requests.Session() as session:
            # A proxy would look for 127.0.0.1 on its own machine.
            session.trust_env = False
            if self._trust is not None:
                session.verify = str(self._trust.ca)
                if self._trust.certificate is not None:
                    session.cert = (str(self._trust.certificate), str(self._trust.key))
            self._wait_for(lambda: self._rest_answers(session, model_name), deadline, timeout_s)
        # Not before: gRPC waits for seconds until it tries a port again that was closed.
        credentials = None if self._trust is None else self._trust.credentials()
        with open_channel(self.grpc_address, credentials=credentials) as channel:
            ready = grpc.channel_ready_future(channel)
            self._wait_for(lambda: _is_done(ready), deadline, timeout_s)
            ready.cancel()

    def _wait_for(self, is_so: Callable[[], bool], deadline: float, timeout_s: float) -> None:
        while not is_so():
            if not self.is_running():
                code = self.exit_code
                self.stop()
                raise StartError(self._failure(f"ended with exit code {code}"))
            if time.monotonic() > deadline:
                self.kill()
                raise StartError(self._failure(f"did not serve within {timeout_s:g} s"))
            time.sleep(0.04)

    def __repr__(self) -> str:
        state = "running" if self.is_running() else f"ended with {self.exit_code}"
        return (
            f"<{self.backend} server ({self.why}), {state}: "
            f"gRPC {self.grpc_address}, REST {self.rest_address}>"
        )

    def _rest_answers(self, session: requests.Session, model_name: str) -> bool:
        try:
            answer = session.get(f"{self.rest_address}/v1/models/{model_name}", timeout=2)
        except requests.RequestException:
            return False
        if answer.status_code != 200:
            # A model config file need not name this model.
            return answer.status_code == 404
        states = [version["state"] for version in answer.json()["model_version_status"]]
        return "AVAILABLE" in states

    def _failure(self, what: str) -> str:
        return (
            f"The {self.backend} server {what}. Its command: {json.dumps(self.command)}. "
            f"The end of its log, {self.log_path}:\n{self.log_tail()}"
        )


def _is_done(future: grpc.Future) -> bool:
    with contextlib.suppress(grpc.FutureTimeoutError):
        future.result(timeout=0.5)
        return True
    return False
