"""The doctor's checks that start a process: a kernel, and TensorFlow with Keras 2."""

from __future__ import annotations

import re
import subprocess
import sys

from deployworkbook.jupyter.check_result import Check

KERAS_PROGRAM = """
from deployworkbook.training.keras2 import keras, tf
from deployworkbook.compression.toolkit import as_it_is, tfmot
layer = keras.layers.Dense(1, input_shape=(1,))
as_it_is(tfmot.sparsity.keras.prune_low_magnitude)(keras.Sequential([layer]))
print("TensorFlow", tf.__version__, "with Keras", keras.__version__)
"""
KERAS_TIMEOUT_S = 120
KERNEL_TIMEOUT_S = 60
SLOW_REMEDY = (
    "Close other programs and run the doctor again; if it stays so, run lesson 00. If that works, "
    "this machine is only slow, and every lesson with TensorFlow takes as long to begin."
)


def check_kernel() -> Check:
    """Check that a kernel of this interpreter starts and can add one and one."""
    from jupyter_client.manager import KernelManager

    from deployworkbook.jupyter.kernels import InterpreterKernelSpecManager

    manager = KernelManager(kernel_spec_manager=InterpreterKernelSpecManager())
    said: list[str] = []
    try:
        manager.start_kernel(stderr=subprocess.DEVNULL)
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=KERNEL_TIMEOUT_S)
            client.execute_interactive(
                "1 + 1",
                timeout=KERNEL_TIMEOUT_S,
                output_hook=lambda message: said.append(
                    message["content"].get("data", {}).get("text/plain", "")
                ),
            )
        finally:
            client.stop_channels()
    except (OSError, RuntimeError, TimeoutError) as error:
        remedy = "Reinstall deployworkbook into a new environment."
        return Check("kernel", "problem", f"it does not answer: {error}", remedy)
    finally:
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
    if "2" not in said:
        return Check("kernel", "problem", f"1 + 1 gave {said}", "Restart the machine.")
    return Check("kernel", "ok", f"starts and answers, with {sys.executable}")


def check_keras() -> Check:
    """Check in a separate process that Keras 2 imports and can prune a layer.

    A broken TensorFlow may crash that process, but not this one.
    """
    remedy = (
        "Install tensorflow, tf_keras and tensorflow-model-optimization into a new environment, "
        "in the versions listed in constraints.txt."
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", KERAS_PROGRAM],
            capture_output=True,
            text=True,
            timeout=KERAS_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        # A slow or busy machine, most likely, on which lessons may well run.
        return Check("Keras", "warning", f"no answer within {KERAS_TIMEOUT_S} s", SLOW_REMEDY)
    if done.returncode:
        lines = re.findall(r"\S.*", done.stderr) or [f"it ended with {done.returncode}"]
        return Check("Keras", "problem", lines[-1], remedy)
    return Check("Keras", "ok", done.stdout.strip())
