"""The command line: TensorFlow Serving's flags, and what this server adds to them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from deployworkbook.serving.api.addresses import bare_host
from deployworkbook.serving.embedded.local_paths import local_path

# The number of the process that --stop_with_parent looks for, where a launcher has set it: it may
# end before the server has come so far as to ask who its parent is.
PARENT_VARIABLE = "DEPLOYWORKBOOK_PARENT"

NOT_DONE = """\
What this server does not do, and TensorFlow Serving does:
  - platforms other than tensorflow (custom_model_config), remote file systems (gs://, s3://,
    hdfs://, …): paths are local, plain or as file:///…;
  - SessionService, which TensorFlow Serving does not offer either; PredictStreamed;
  - TFLite models and TensorRT, GPUs of its own choice, pad_variable_length_inputs,
    request logging (logging_config; so no request_log_count), tracing and profiling;
  - JSON of the types half, bfloat16 and complex in requests.
Such requests are answered with UNIMPLEMENTED (501); flags it does not know stop it at once.

Requests are limited: see --max_request_bytes, --max_request_memory_bytes,
--max_in_flight_memory_bytes, --max_connections and --max_concurrent_requests.
"""


@dataclass(frozen=True)
class Options:
    """What the server is started with; each field is a flag of the same name."""

    port: int = 8500
    rest_api_port: int = 0
    host: str = "127.0.0.1"
    model_name: str = "default"
    model_base_path: Path | None = None
    model_config_file: Path | None = None
    model_config_file_poll_wait_seconds: float = 0
    file_system_poll_wait_seconds: float = 1
    max_num_load_retries: int = 5
    load_retry_interval_micros: int = 60_000_000
    allow_version_labels_for_unavailable_models: bool = False
    saved_model_tags: str = "serve"
    enable_model_warmup: bool = True
    enable_batching: bool = False
    batching_parameters_file: Path | None = None
    monitoring_config_file: Path | None = None
    ssl_config_file: Path | None = None
    enable_grpc_healthcheck_service: bool = True
    rest_api_timeout_in_ms: int = 30_000
    rest_api_enable_cors_support: bool = False
    tensorflow_intra_op_parallelism: int = 0
    max_request_bytes: int = 64 * 2**20
    max_request_memory_bytes: int = 512 * 2**20
    max_in_flight_memory_bytes: int = 2**30
    max_connections: int = 256
    max_concurrent_requests: int = 256
    drain_seconds: float = 10
    stop_with_parent: bool = False


_HELP = {
    "port": "Port of gRPC; 0 for none.",
    "rest_api_port": "Port of REST; 0 for none.",
    "host": "Address to listen on, such as 127.0.0.1 or ::1; any but these lets others in.",
    "model_name": "Name of the one model; ignored with --model_config_file.",
    "model_base_path": "Its folder, absolute or file:///…, with one numbered folder per version.",
    "model_config_file": "A ModelServerConfig, for several models, policies and labels.",
    "model_config_file_poll_wait_seconds": "How often that file is read again; 0 for never.",
    "file_system_poll_wait_seconds": "How often versions are looked for; 0 for once.",
    "max_num_load_retries": "How often a failed load is tried again; 0 suits teaching.",
    "load_retry_interval_micros": "How long between these tries.",
    "allow_version_labels_for_unavailable_models": "Labels may name versions not yet loaded.",
    "saved_model_tags": "Tags of the graph to load, with commas between.",
    "enable_model_warmup": "Replay assets.extra/tf_serving_warmup_requests on loading.",
    "enable_batching": "Run requests that arrive together as one.",
    "batching_parameters_file": "BatchingParameters; needs --enable_batching.",
    "monitoring_config_file": "A MonitoringConfig, which says where metrics are served.",
    "ssl_config_file": "An SSLConfig, for gRPC.",
    "enable_grpc_healthcheck_service": "Offer grpc.health.v1.Health.",
    "rest_api_timeout_in_ms": "How long a REST request may take.",
    "rest_api_enable_cors_support": "Let web pages of other origins use REST.",
    "tensorflow_intra_op_parallelism": "Threads of one operation; 0 for as many as CPUs.",
    "max_request_bytes": "The largest request, inflated.",
    "max_request_memory_bytes": "The most memory that one request may take: its bytes, tensors and "
    "answer with their copies, but not what a model takes inside.",
    "max_in_flight_memory_bytes": "The most memory that all requests may take together.",
    "max_connections": "How many connections each port takes at once.",
    "max_concurrent_requests": "How many requests each port works on at once.",
    "drain_seconds": "How long SIGTERM, SIGINT and SIGHUP wait for running requests.",
    "stop_with_parent": "End when the process that started this one has ended.",
}


def parse(arguments: Sequence[str]) -> Options:
    """Read a command line. ``--flag=value``, ``--flag value``; a bare flag means true.

    Raises:
        SystemExit: It asks for help (0), or is wrong (2).

    >>> parse(["--model_base_path=/models/m", "--enable_batching"]).enable_batching
    True
    """
    parser = argparse.ArgumentParser(
        prog="deployworkbook serve",
        description="Serve SavedModels over TensorFlow Serving's API.",
        epilog=NOT_DONE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option in fields(Options):
        said = f"{_HELP[option.name]} Default: {option.default}."
        name = f"--{option.name}"
        if option.type == "bool":
            parser.add_argument(
                name, type=_boolean, nargs="?", const=True, default=option.default, help=said
            )
        else:
            kind = _KINDS[str(option.type)]
            parser.add_argument(name, type=kind, default=option.default, metavar="…", help=said)
    options = Options(**vars(parser.parse_args(arguments)))
    wrong = complaint(options)
    if wrong:
        parser.error(wrong)
    return options


def complaint(options: Options) -> str:
    """Say what is wrong with the options; nothing where they agree.

    >>> complaint(Options(model_base_path=Path("/models/m"), port=0))
    'No port to listen on: give --port or --rest_api_port.'
    """
    if options.model_base_path is None and options.model_config_file is None:
        return "Nothing to serve: give --model_base_path or --model_config_file."
    if not bare_host(options.host):
        return "--host: expected an address, such as 127.0.0.1 or ::1. Received: an empty text."
    if not options.port and not options.rest_api_port:
        return "No port to listen on: give --port or --rest_api_port."
    if options.port == options.rest_api_port:
        return f"--port and --rest_api_port are both {options.port}."
    for name in ("port", "rest_api_port"):
        if not 0 <= getattr(options, name) <= 65535:
            return f"--{name}: expected a number from 0 to 65535."
    if options.batching_parameters_file and not options.enable_batching:
        return "--batching_parameters_file needs --enable_batching."
    for name in (
        "max_request_bytes",
        "max_request_memory_bytes",
        "max_connections",
        "max_concurrent_requests",
    ):
        if getattr(options, name) < 1:
            return f"--{name}: expected at least 1."
    if options.max_in_flight_memory_bytes < options.max_request_memory_bytes:
        return (
            "--max_in_flight_memory_bytes: expected at least --max_request_memory_bytes, "
            f"{options.max_request_memory_bytes}. Received: {options.max_in_flight_memory_bytes}."
        )
    return ""


def _boolean(text: str) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"expected true or false. Received: {text!r}.")
    return known[text.lower()]


def _path(text: str) -> Path:
    try:
        return local_path(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


_KINDS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "Path | None": _path,
}
