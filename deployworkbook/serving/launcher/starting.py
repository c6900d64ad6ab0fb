"""Start a model server in a process of its own, for a lesson, a test or a load generator."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from deployworkbook.serving.api import server_files
from deployworkbook.serving.api.model_files import LITERT, kinds_below
from deployworkbook.serving.api.version_folders import versions_below
from deployworkbook.serving.launcher.backends import FLAGS, FlagValue, choose
from deployworkbook.serving.launcher.owned_process import ADDRESS
from deployworkbook.serving.launcher.running import RunningServer, StartError
from deployworkbook.serving.security.trust import Certificates
from deployworkbook.validation import check_integer, check_number, type_error, value_error
from deployworkbook.workspace.files import timestamp, write_atomically
from deployworkbook.workspace.folder import current_workspace

# Attempts with new ports, in case another process takes one between the choice and the start.
TRIES = 3
# What the log says then: of the embedded server, of TensorFlow Serving, of Docker.
_TAKEN = ("Can't listen on", "in use", "already allocated")
_TLS_FLAGS = ("ssl_config_file", "rest_api_ssl_config_file")
_OWN_FLAGS = {
    *("port", "rest_api_port", "model_name", "model_base_path", "stop_with_parent", "host"),
    *_TLS_FLAGS,
}


def start(
    model_base_path: Path | str | None = None,
    *,
    model_name: str = "default",
    backend: str = "auto",
    port: int | None = None,
    rest_api_port: int | None = None,
    log_directory: Path | str | None = None,
    ready_timeout_s: float = 120.0,
    batching_parameters: Mapping[str, int | Sequence[int]] | None = None,
    monitoring: bool = False,
    tls: Certificates | None = None,
    **flags: FlagValue,
) -> RunningServer:
    """Start a model server and wait until it is ready.

    It listens on this machine only, except TensorFlow Serving's binary, which has no flag for that.
    It ends with its ``with`` block, with this process (however that ends), or by ``stop``.

    Args:
        model_base_path: The folder with one folder per version; not with ``model_config_file``. If
            a version is a LiteRT file, the server gets ``prefer_tflite_model``; only the embedded
            server takes ONNX files.
        model_name: The name that clients use.
        backend: ``binary`` (``tensorflow_model_server`` on PATH), ``container`` (Docker's
            ``tensorflow/serving``), ``embedded`` (the server of this package), or ``auto``: the
            first of these that is available.
        port: The gRPC port (default: a free one).
        rest_api_port: The REST port (default: a free one).
        log_directory: The folder for its log (default: ``logs`` in the workspace).
        ready_timeout_s: How long it may take to be ready, in seconds.
        batching_parameters: Such as ``{"max_batch_size": 32}``; turns batching on.
        monitoring: Whether to offer metrics for Prometheus, at ``metrics_address``.
        tls: Certificates, which encrypt both ports; from ``make_certificates``, or your own. Only
            the embedded server has TLS for REST.
        flags: Other flags of the server, by name. Those that only the embedded server knows
            (``backends.EMBEDDED_ONLY``) are dropped for the others, and polling intervals are
            rounded up to whole seconds.

    Returns:
        The server, which is a context manager.

    Raises:
        FileNotFoundError: The model's folder doesn't exist, or the backend isn't installed.
        OSError: A port you named is taken.
        StartError: The server ended early, or wasn't ready in time.
        TypeError: A flag is unknown.
        ValueError: The folder has no versions, or an argument is out of range.
    """
    check_number("ready_timeout_s", ready_timeout_s, 0, open_low=True)
    kinds = set() if model_base_path is None else kinds_below(Path(model_base_path))
    given = _checked(flags) | _what_to_serve(model_base_path, model_name, flags)
    if tls is not None:
        given |= dict.fromkeys(_TLS_FLAGS, tls.ssl_config.resolve())
    chosen = choose(backend, kinds=kinds, flags=given)
    if LITERT in kinds:
        given.setdefault("prefer_tflite_model", True)
    logs = Path(log_directory) if log_directory else current_workspace().logs
    stem = f"{model_name.replace(os.sep, '_')}-{timestamp()}-{uuid.uuid4().hex[:6]}"
    if batching_parameters is not None:
        file = logs / f"{stem}.batching.config"
        write_atomically(file, server_files.batching_text(batching_parameters))
        given |= {"enable_batching": True, "batching_parameters_file": file.resolve()}
    if monitoring:
        file = logs / f"{stem}.monitoring.config"
        write_atomically(file, server_files.monitoring_text())
        given["monitoring_config_file"] = file.resolve()
    for attempt in range(TRIES):
        ports = _ports(port, rest_api_port)
        server = RunningServer(chosen, given, ports, logs / f"{stem}-{attempt}.log", tls)
        try:
            server.wait_until_ready(model_name, ready_timeout_s)
        except StartError:
            taken = any(word in server.log_tail() for word in _TAKEN)
            if (port and rest_api_port) or not taken or attempt == TRIES - 1:
                raise
        except BaseException:
            server.kill()
            raise
        else:
            return server
    raise AssertionError("the last attempt returns or raises")


def _checked(flags: Mapping[str, FlagValue]) -> dict[str, FlagValue]:
    wrong = sorted(flags.keys() - (FLAGS - _OWN_FLAGS))
    if wrong:
        expected = "flags of the server: " + ", ".join(sorted(FLAGS - _OWN_FLAGS))
        raise type_error("flags", received=", ".join(wrong), expected=expected)
    return {
        name: Path(str(value)).resolve() if name.endswith("_file") else value
        for name, value in flags.items()
    }


def _what_to_serve(
    base_path: Path | str | None, model_name: str, flags: Mapping[str, FlagValue]
) -> dict[str, FlagValue]:
    if (base_path is None) == ("model_config_file" not in flags):
        raise value_error(
            "model_base_path",
            received="neither it nor model_config_file" if base_path is None else "both",
            expected="either model_base_path or model_config_file",
        )
    if base_path is None:
        return {}
    folder = Path(base_path).resolve()
    if not versions_below(folder):
        raise value_error(
            "model_base_path",
            received=f"{folder}, which has no folder whose name is a number",
            expected="one numbered folder per version, such as 1/saved_model.pb",
            remedy="Name the folder above the version, or publish a version first.",
        )
    return {"model_name": model_name, "model_base_path": folder}


def _ports(*named: int | None) -> tuple[int, int]:
    """Return the named ports, and different free ports for the others."""
    numbers = []
    with contextlib.ExitStack() as held:
        for name, port in zip(("port", "rest_api_port"), named, strict=True):
            if port is not None:
                check_integer(name, port, 1, 65535)
            listener = held.enter_context(socket.socket())
            # As a server does: a port just released counts as free.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((ADDRESS, port or 0))
                listener.listen(1)
            except OSError as error:
                raise OSError(
                    error.errno,
                    f"Can't use port {port} of {ADDRESS} ({error.strerror}). Choose another "
                    f"{name}, or leave it out to get a free one.",
                ) from error
            numbers.append(listener.getsockname()[1])
    return numbers[0], numbers[1]
