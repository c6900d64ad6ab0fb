"""Fake programs that test machines lack: they record their arguments and serve."""

import json
import stat
import sys
from pathlib import Path

# What the real server's main.cc declares, of those that the embedded server has too.
REAL_FLAGS = {
    "port", "rest_api_port", "rest_api_timeout_in_ms", "rest_api_enable_cors_support",
    "enable_batching", "allow_version_labels_for_unavailable_models", "batching_parameters_file",
    "model_config_file", "model_config_file_poll_wait_seconds", "model_name", "model_base_path",
    "max_num_load_retries", "load_retry_interval_micros", "file_system_poll_wait_seconds",
    "tensorflow_intra_op_parallelism", "ssl_config_file", "saved_model_tags",
    "enable_model_warmup", "monitoring_config_file", "enable_grpc_healthcheck_service",
    "prefer_tflite_model", "num_tflite_pools", "num_tflite_interpreters_per_pool",
}  # fmt: skip

_RECORD = """\
#!{python}
import json, os, signal, sys
from pathlib import Path
here = Path(__file__).parent
arguments = sys.argv[1:]
with (here / "calls").open("a") as calls:
    calls.write(json.dumps(arguments) + "\\n")

def serve(flags):
    os.execv(sys.executable, [sys.executable, "{stand_in}", *flags])
"""

# Like the real one, it does not start with a flag that it does not know.
MODEL_SERVER = """
unknown = {flag.split("=")[0][2:] for flag in arguments} - set(REAL_FLAGS)
if unknown:
    sys.exit(f"unknown argument: {unknown}")
serve(arguments)
"""

# Docker's client, whose container is the client's own process, and sees all of the machine's files.
DOCKER = """
if arguments[0] == "run":
    ours, theirs = arguments[1:], []
    for place, argument in enumerate(arguments):
        if argument.startswith("tensorflow/serving:"):
            ours, theirs = arguments[1:place], arguments[place + 1:]
    name = ours[ours.index("--name") + 1]
    (here / name).write_text(str(os.getpid()))
    published = [a.split("=")[1] for a in ours if a.startswith("--publish=")]
    outer = {inner: outer for _, outer, inner in (p.split(":") for p in published)}
    flags = []
    for flag in theirs:
        key, _, value = flag.partition("=")
        flags.append(f"{key}={outer[value]}" if key in ("--port", "--rest_api_port") else flag)
    serve(flags)
elif arguments[0] == "rm":
    os.kill(int((here / arguments[-1]).read_text()), signal.SIGKILL)
elif arguments[:2] == ["image", "inspect"] and not (here / "image").exists():
    sys.exit("Error: No such image")
"""


def install(folder, name, program):
    """Install a program in a folder on PATH."""
    path = folder / name
    stand_in = str(Path(__file__).with_name("stand_in.py"))
    record = _RECORD.replace("{python}", sys.executable).replace("{stand_in}", stand_in)
    text = record + program
    path.write_text(text.replace("REAL_FLAGS", repr(sorted(REAL_FLAGS))))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def calls(folder):
    """List the arguments of each call so far."""
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]
