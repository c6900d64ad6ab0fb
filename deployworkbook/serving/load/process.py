"""The process that a load is sent from, and how it is started.

It is one of its own, so that a notebook's kernel, which draws and collects garbage, does not delay
requests and then take the delay for the server's. Run as ``python -m
deployworkbook.serving.load.process``, it is that process.
"""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from dataclasses import fields
from typing import Any, BinaryIO

import numpy as np

from deployworkbook.serving.load.engine import LoadPlan, run
from deployworkbook.serving.load.result import LoadResult
from deployworkbook.serving.load.target import LoadTarget

_STARTED = b"started\n"


class RunningLoad:
    """A load under way; ends by itself.

    Args:
        plan: What is sent, and when.
        target: Where to.

    Raises:
        RuntimeError: The process did not start; its error is quoted.
    """

    def __init__(self, plan: LoadPlan, target: LoadTarget) -> None:
        self._longest_s = plan.seconds + 2 * target.deadline_s + 30
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._process.stdin and self._process.stdout  # noqa: S101, PT018 - for the types
        try:
            self._process.stdin.write(pickle.dumps((plan, target)))
            self._process.stdin.close()
            self._process.stdin = None
        except BrokenPipeError:
            pass
        if self._process.stdout.readline() != _STARTED:
            self._failed(self._process.communicate()[1])

    def wait(self) -> LoadResult:
        """Wait for its end; an interrupt (Ctrl-C) stops it.

        Raises:
            RuntimeError: The process failed; its error is quoted.
        """
        try:
            content, said = self._process.communicate(timeout=self._longest_s)
        except BaseException:
            self.stop()
            raise
        if self._process.returncode:
            self._failed(said)
        return _read(io.BytesIO(content))

    def stop(self) -> None:
        """End it; there is no result then."""
        self._process.kill()
        self._process.communicate()

    def _failed(self, said: bytes) -> None:
        text = said.decode(errors="replace").strip()
        raise RuntimeError(f"The process that was to send the load failed:\n{text}")


def _write(result: LoadResult, stream: BinaryIO) -> None:
    values = {field.name: getattr(result, field.name) for field in fields(result)}
    np.savez(stream, **{name: value for name, value in values.items() if value is not None})


def _read(stream: BinaryIO) -> LoadResult:
    values: dict[str, Any] = dict.fromkeys(field.name for field in fields(LoadResult))
    with np.load(stream, allow_pickle=False) as found:
        for name in found.files:
            values[name] = found[name].item() if found[name].ndim == 0 else found[name]
    return LoadResult(**values)


def _main() -> None:
    # What comes in is this package's own, from the process that started this one.
    plan, target = pickle.load(sys.stdin.buffer)  # noqa: S301
    output = sys.stdout.buffer

    def started() -> None:
        output.write(_STARTED)
        output.flush()

    _write(run(plan, target, started=started), output)


if __name__ == "__main__":
    _main()
