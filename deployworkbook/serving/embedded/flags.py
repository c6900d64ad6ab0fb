"""The command line: TensorFlow Serving's flags, and those this server adds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from deployworkbook.serving.api.addresses import bare_host
from deployworkbook.serving.embedded.local_paths import local_path

# For --stop_with_parent, a launcher sets this to its process ID: it may end before the server can
# ask for its parent.
PARENT_VARIABLE = "DEPLOYWORKBOOK_PARENT"

# The token that clients need, if no file holds it. Not a flag: everybody on a machine can read the
# command lines of its processes.
TOKEN_VARIABLE = "DEPLOYWORKBOOK_SERVE_TOKEN"  # noqa: S105

NOT_DONE = """\
What TensorFlow Serving does and this server doesn't:
  - platforms other than tensorflow (custom_model_config), remote file systems (gs://, s3://,
    hdfs://, …): paths are local, plain or as file:///…;
  - SessionService, which TensorFlow Serving does not offer either; PredictStreamed;
  - TensorRT, choosing GPUs, pad_variable_length_inputs,
    request logging (logging_config; so no request_log_count), tracing and profiling;
  - JSON of the types half, bfloat16 and complex in requests.
It answers such requests with UNIMPLEMENTED (501), and stops at once if it doesn't know a flag.

What it does and TensorFlow Serving doesn't: it serves a version that has no SavedModel but a
model.onnx, by ONNX Runtime, as OpenVINO Model Server does, and a page to try models with: --demo.
It has TLS on the REST port, too; tokens; and a rate limit per client.

With --bearer_token_file, or a token in the environment's DEPLOYWORKBOOK_SERVE_TOKEN, requests need
the header "Authorization: Bearer TOKEN". Only a model's status and metadata over REST and gRPC's
health check are answered without it, because the probes of Docker and Kubernetes have no token.
To make the files: deployworkbook.serving.make_certificates and make_token.

Requests are limited: see --max_request_bytes, --max_request_memory_bytes,
--max_in_flight_memory_bytes, --max_connections and --max_concurrent_requests.
"""


@dataclass(frozen=True)
class Options:
    """The server's options; each field is a flag of the same name."""

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
    prefer_tflite_model: bool = False
    num_tflite_pools: int = 1
    num_tflite_interpreters_per_pool: int = 0
    enable_model_warmup: bool = True
    enable_batching: bool = False
    batching_parameters_file: Path | None = None
    monitoring_config_file: Path | None = None
    trusted_key_file: Path | None = None
    ssl_config_file: Path | None = None
    rest_api_ssl_config_file: Path | None = None
    bearer_token_file: Path | None = None
    rate_limit_per_second: float = 0
    rate_limit_burst: int = 10
    enable_grpc_healthcheck_service: bool = True
    rest_api_timeout_in_ms: int = 30_000
    rest_api_enable_cors_support: bool = False
    tensorflow_intra_op_parallelism: int = 0
    max_request_bytes: int = 64 * 2**20
    max_request_memory_bytes: int = 512 * 2**20
    max_in_flight_memory_bytes: int = 2**30
    max_connections: int = 256
    max_concurrent_requests: int = 256
    num_workers: int = 1
    demo: bool = False
    drain_seconds: float = 10
    stop_with_parent: bool = False


_HELP = {
    "port": "Port for gRPC; 0 for none.",
    "rest_api_port": "Port for REST; 0 for none.",
    "host": "Address to listen on, 127.0.0.1 or ::1; any other admits other machines.",
    "model_name": "Name of the model; ignored with --model_config_file.",
    "model_base_path": "Its folder, absolute or file:///…; one numbered folder per version.",
    "model_config_file": "ModelServerConfig file, for several models, version policies and labels.",
    "model_config_file_poll_wait_seconds": "Seconds between its readings; 0 to read it once.",
    "file_system_poll_wait_seconds": "Seconds between searches for versions; 0 to search once.",
    "max_num_load_retries": "Retries of a failed load; 0 suits teaching.",
    "load_retry_interval_micros": "Microseconds between these retries.",
    "allow_version_labels_for_unavailable_models": "Allow labels for versions not yet loaded.",
    "saved_model_tags": "Comma-separated tags of the graph to load.",
    "prefer_tflite_model": "Serve model.tflite, by LiteRT, where a version has it; else the "
    "SavedModel.",
    "num_tflite_pools": "Pools of LiteRT interpreters per version.",
    "num_tflite_interpreters_per_pool": "Interpreters per pool, each for one request at a time; 0 "
    "for one per CPU.",
    "enable_model_warmup": "Replay assets.extra/tf_serving_warmup_requests after loading.",
    "enable_batching": "Run requests that arrive together as one batch.",
    "batching_parameters_file": "BatchingParameters file; needs --enable_batching.",
    "monitoring_config_file": "MonitoringConfig file, which names the path of the metrics.",
    "trusted_key_file": "Public key, as PEM: serve only versions that it signed, unaltered.",
    "ssl_config_file": "SSLConfig file, for gRPC: server_key, server_cert, custom_ca, "
    "client_verify.",
    "rest_api_ssl_config_file": "SSLConfig file, for REST; it may be the same one.",
    "bearer_token_file": "File of tokens, one per line; a request needs one of them.",
    "rate_limit_per_second": "Requests per second of each client, which is a token or, without "
    "tokens, an IP address; 0 for no limit. A request may hold many examples: see "
    "--max_request_bytes.",
    "rate_limit_burst": "Requests that a client may send at once after a pause.",
    "enable_grpc_healthcheck_service": "Offer grpc.health.v1.Health.",
    "rest_api_timeout_in_ms": "Time limit of a REST request, in ms.",
    "rest_api_enable_cors_support": "Allow web pages of other origins to use REST.",
    "tensorflow_intra_op_parallelism": "Threads per operation; 0 for one per CPU, or for one at "
    "all with LiteRT and ONNX.",
    "max_request_bytes": "Maximum size of a request, decompressed.",
    "max_request_memory_bytes": "Maximum memory per request: its bytes, tensors and answer with "
    "their copies, but not what the model itself needs.",
    "max_in_flight_memory_bytes": "Maximum memory for all requests together.",
    "max_connections": "Maximum number of connections per port.",
    "max_concurrent_requests": "Maximum number of concurrent requests per port.",
    "num_workers": "Number of processes that share the ports, each with the models in its memory; "
    "limits are for each. More than 1 needs Linux.",
    "demo": "Offer a page on which people draw a digit, at /demo of the REST port.",
    "drain_seconds": "Seconds that running requests have left after SIGTERM, SIGINT or SIGHUP.",
    "stop_with_parent": "Stop when the process that started this one ends.",
}


def parse(arguments: Sequence[str]) -> Options:
    """Parse a command line: ``--flag=value`` or ``--flag value``; a bare flag means true.

    Raises:
        SystemExit: The arguments ask for help (0) or are wrong (2).

    >>> parse(["--model_base_path=/models/m", "--enable_batching"]).enable_batching
    True
    """
    parser = argparse.ArgumentParser(
        prog="deployworkbook serve",
        description="Serve SavedModels, LiteRT and ONNX files over TensorFlow Serving's API.",
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
    """Say what is wrong with the options; empty if nothing is.

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
    if options.demo and not options.rest_api_port:
        return "--demo needs --rest_api_port, on which the page is."
    if options.demo and options.bearer_token_file:
        return "--demo and --bearer_token_file: browsers send no token. Leave one of them out."
    if options.rest_api_ssl_config_file and not options.rest_api_port:
        return "--rest_api_ssl_config_file needs --rest_api_port."
    if not 0 <= options.rate_limit_per_second < float("inf"):
        return "--rate_limit_per_second: expected 0 or more."
    if options.batching_parameters_file and not options.enable_batching:
        return "--batching_parameters_file needs --enable_batching."
    for name in (
        "max_request_bytes",
        "max_request_memory_bytes",
        "max_connections",
        "max_concurrent_requests",
        "num_workers",
        "num_tflite_pools",
        "rate_limit_burst",
    ):
        if getattr(options, name) < 1:
            return f"--{name}: expected at least 1."
    if options.num_tflite_interpreters_per_pool < 0:
        return "--num_tflite_interpreters_per_pool: expected at least 0."
    if options.num_workers > 1 and sys.platform != "linux":
        return (
            "--num_workers: only Linux spreads a port's connections over several processes. Start "
            "a server per port, and a proxy in front of them."
        )
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
