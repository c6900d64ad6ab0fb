"""No library of the workbook reports its use over the network, or writes into the home folder."""

import json
import os
import subprocess
import sys

import pytest

from deployworkbook.jupyter.kernels import InterpreterKernelSpecManager

# Counts what a process asks of the network: Python's own part, and the threads of native parts.
PROGRAM = """
import json, os, socket, sys, threading, time
asked = []
def refuse(*arguments, **named):
    asked.append(repr(arguments))
    raise OSError("no network here")
socket.getaddrinfo = socket.create_connection = socket.socket.connect = refuse
{imports}
time.sleep(0.5)
opened = [os.readlink(f"/proc/self/fd/{{number}}") for number in os.listdir("/proc/self/fd")
          if os.path.islink(f"/proc/self/fd/{{number}}")] if os.path.isdir("/proc/self/fd") else []
print(json.dumps({{
    "asked": asked,
    "threads": [each.name for each in threading.enumerate()],
    "opened": [path for path in opened if "socket:" in path or ".onnxruntime" in path],
    "modules": [name for name in sys.modules if name.startswith("openvino_telemetry.")],
}}))
"""


@pytest.mark.parametrize(
    "imports",
    [
        "import deployworkbook.runtimes.onnx",
        "import deployworkbook.runtimes.openvino",
        "import deployworkbook.runtimes.openvino as o; o.openvino.convert_model",
        "from deployworkbook.telemetry import forbid; forbid(); import onnxruntime, openvino",
    ],
)
def test_an_import_asks_nothing_of_the_network_and_writes_nothing(tmp_path, imports):
    environment = {k: v for k, v in os.environ.items() if k not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(imports=imports)],
        capture_output=True,
        text=True,
        check=False,
        env=environment | {"HOME": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told == {"asked": [], "threads": ["MainThread"], "opened": [], "modules": []}
    assert list(tmp_path.iterdir()) == []


def test_a_kernel_is_told_before_its_first_import():
    spec = InterpreterKernelSpecManager().get_kernel_spec("python3")
    assert spec.env == {"ORT_DISABLE_TELEMETRY": "1"}
