"""Find a model server on this machine, and write the command that starts it.

The choice is TensorFlow Serving's binary if it is installed, else its container, else the server of
this package. All three take the same flags.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from deployworkbook.serving.api.model_files import ONNX
from deployworkbook.serving.embedded.flags import Options
from deployworkbook.validation import check_choice, message, value_error

BINARY = "tensorflow_model_server"
IMAGE = "tensorflow/serving:2.20.0"
BACKENDS = ("auto", "binary", "container", "embedded")
FLAGS = frozenset(option.name for option in fields(Options))
# TensorFlow Serving doesn't know these and wouldn't start.
EMBEDDED_ONLY = frozenset(
    {
        "bearer_token_file",
        "demo",
        "host",
        "max_request_bytes",
        "max_request_memory_bytes",
        "max_in_flight_memory_bytes",
        "max_connections",
        "max_concurrent_requests",
        "num_workers",
        "rate_limit_burst",
        "rate_limit_per_second",
        "rest_api_ssl_config_file",
        "drain_seconds",
        "stop_with_parent",
        "trusted_key_file",
    }
)
# Without these a server would serve whom it shouldn't, so they can't be dropped.
DEFENCES = frozenset(
    {
        "bearer_token_file",
        "rate_limit_per_second",
        "rest_api_ssl_config_file",
        "trusted_key_file",
    }
)
# In TensorFlow Serving, these are whole seconds.
WHOLE_SECONDS = frozenset({"file_system_poll_wait_seconds", "model_config_file_poll_wait_seconds"})
GRPC_PORT, REST_PORT = 8500, 8501
PROBE_S = 3.0

FlagValue = bool | int | float | str | Path


@dataclass(frozen=True)
class Backend:
    """A kind of model server that can be started here.

    Args:
        name: ``binary``, ``container`` or ``embedded``.
        why: Why it was chosen, in a few words.
        program: The path of the binary or of Docker's client; empty for the embedded server.
    """

    name: str
    why: str
    program: str = ""


def choose(wanted: str, *, kinds: Collection[str] = (), flags: Collection[str] = ()) -> Backend:
    """Choose a server: the one asked for, or the first available.

    ``auto`` downloads nothing: it chooses the container only if Docker answers within seconds and
    already has the image ``IMAGE``. ``container`` lets Docker download it.

    Args:
        wanted: One of ``BACKENDS``.
        kinds: Kinds of models to serve, as ``kinds_below`` finds them.
        flags: Names of the flags that the server gets.

    Raises:
        FileNotFoundError: The server asked for is not installed.
        RuntimeError: Docker is installed but doesn't answer.
        ValueError: There is no such backend, or it doesn't take these models or flags.
    """
    check_choice("backend", wanted, BACKENDS)
    lacks = ["ONNX files"] if ONNX in kinds else sorted(DEFENCES.intersection(flags))
    if lacks and wanted != "embedded":
        why = f"TensorFlow Serving takes no {lacks[0]}"
        if wanted == "auto":
            return Backend("embedded", why)
        raise value_error(
            "backend",
            received=f"{wanted!r}, for {lacks[0]}",
            expected=f"'embedded' or 'auto', because {why}",
        )
    if wanted == "embedded":
        return Backend("embedded", "asked for")
    if wanted == "binary":
        return Backend("binary", "asked for", _found(BINARY))
    if wanted == "container":
        docker = _found("docker")
        complaint = _complaint(docker)
        if complaint:
            raise RuntimeError(
                message(
                    "backend",
                    received=complaint,
                    expected="a Docker engine that answers",
                    remedy='Start it, or use backend="embedded".',
                )
            )
        return Backend("container", "asked for", docker)
    binary = shutil.which(BINARY)
    if binary:
        return Backend("binary", f"{BINARY} is on PATH", binary)
    why = f"{BINARY} is not on PATH"
    container = shutil.which("docker")
    if container is None:
        return Backend("embedded", f"{why}; Docker is not installed")
    complaint = _complaint(container) or (
        "" if _asked(container, "image", "inspect", IMAGE) == "" else f"Docker has no {IMAGE} yet"
    )
    if complaint:
        return Backend("embedded", f"{why}; {complaint}")
    return Backend("container", f"{why}; Docker answers and has {IMAGE}", container)


def server_command(backend: Backend, flags: Mapping[str, FlagValue], *, name: str) -> list[str]:
    """Write the command that starts a server.

    A container sees its files read-only at the same paths as this machine, runs as this user, and
    can be reached from this machine only. TensorFlow Serving's binary has no flag for the address
    and listens on all of them.

    Args:
        backend: The result of ``choose``.
        flags: Values by flag name, including ``port`` and ``rest_api_port``.
        name: The container's name.
    """
    if backend.name == "embedded":
        given = {**flags, "stop_with_parent": True}
        return [sys.executable, "-m", "deployworkbook", "serve", *_written(given)]
    known = {
        flag: math.ceil(float(str(value))) if flag in WHOLE_SECONDS else value
        for flag, value in flags.items()
        if flag not in EMBEDDED_ONLY
    }
    if backend.name == "binary":
        return [backend.program, *_written(known)]
    inside = {**known, "port": GRPC_PORT, "rest_api_port": REST_PORT}
    published = {GRPC_PORT: flags["port"], REST_PORT: flags["rest_api_port"]}
    return [
        *(backend.program, "run", "--rm", "--name", name),
        # As process 1 the server would ignore SIGTERM.
        "--init",
        *_confined(),
        *(f"--publish=127.0.0.1:{outer}:{inner}" for inner, outer in published.items()),
        *(f"--mount={_mount(path)}" for path in _paths(known)),
        f"--entrypoint={BINARY}",
        IMAGE,
        *_written(inside),
    ]


def removal(backend: Backend, *, name: str) -> list[str]:
    """Write the command that removes a container at once; empty if there is none."""
    return [backend.program, "rm", "--force", name] if backend.name == "container" else []


def _written(flags: Mapping[str, FlagValue]) -> list[str]:
    return [
        f"--{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in flags.items()
    ]


def _confined() -> list[str]:
    limits = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    # Windows has no user IDs.
    return [*limits, f"--user={os.getuid()}:{os.getgid()}"] if hasattr(os, "getuid") else limits


def _paths(flags: Mapping[str, FlagValue]) -> list[Path]:
    """List what the server reads: its files, and the folders named in its model config."""
    named = [value for value in flags.values() if isinstance(value, Path)]
    config = flags.get("model_config_file")
    if isinstance(config, Path):
        text = config.read_text(encoding="utf-8")
        named += [Path(path) for path in re.findall(r"base_path\s*:\s*[\"']([^\"']+)[\"']", text)]
    return sorted(set(named))


def _mount(path: Path) -> str:
    # The option is a line of CSV: the quotes allow a comma in the path.
    return f'type=bind,"source={path}","target={path}",readonly'


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise FileNotFoundError(
            message(
                "backend",
                received=f"no {program} on PATH",
                expected=f"{program} to be installed",
                remedy='Install it, or use backend="embedded", which comes with the workbook.',
            )
        )
    return path


def _complaint(docker: str) -> str:
    said = _asked(docker, "version", "--format", "{{.Server.Version}}")
    return f"Docker does not answer ({said})" if said else ""


def _asked(docker: str, *arguments: str) -> str:
    """Run a Docker command; return an empty string on success, else its last line."""
    try:
        done = subprocess.run(
            [docker, *arguments], capture_output=True, text=True, timeout=PROBE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"nothing within {PROBE_S:g} s"
    except OSError as error:
        return str(error.strerror)
    if done.returncode == 0:
        return ""
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"
