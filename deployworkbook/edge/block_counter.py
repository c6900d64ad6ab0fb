"""Count every instruction of an emulated program, at the emulator's speed.

The emulator calls a function whenever it enters a basic block: a run of instructions without a
branch. That function is a few lines of C, compiled for this machine when they are first needed.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from unicorn.unicorn_const import UC_HOOK_BLOCK
from unicorn.unicorn_py3.unicorn import UcError, uclib

from deployworkbook.edge.thumb import decode

SOURCE = Path(__file__).parent / "native" / "block_counter.c"


class _State(ctypes.Structure):
    """The counters, as ``block_counter.c`` declares them."""

    _fields_ = [
        ("base", ctypes.c_uint64),
        ("halfwords", ctypes.c_uint64),
        ("entered", ctypes.c_void_p),
        ("passed", ctypes.c_void_p),
        ("bytes", ctypes.c_void_p),
        ("steps", ctypes.c_void_p),
        ("code", ctypes.c_void_p),
        ("instructions", ctypes.c_uint64),
        ("previous", ctypes.c_uint64),
        ("end", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("stop", ctypes.c_void_p),
        ("thumb", ctypes.c_uint32),
    ]


class BlockCounter:
    """Counts the instructions of one program in one emulator.

    Args:
        engine: The emulator (``unicorn.Uc``).
        base: Address of the code.
        code: The code, as it is in memory.
        thumb: Whether it is Thumb code; else RISC-V with compressed instructions.

    Raises:
        RuntimeError: The emulator refuses the hook, or the C compiler the counter.
    """

    def __init__(self, engine: Any, *, base: int, code: bytes, thumb: bool = True) -> None:
        self._code = code + bytes(len(code) % 2)
        places = len(self._code) // 2
        self._entered, self._passed = (np.zeros(places, np.uint64) for _ in range(2))
        self._bytes, self._steps = (np.zeros(places, np.uint32) for _ in range(2))
        self._thumb = thumb
        self._state = _State(
            base=base,
            halfwords=places,
            entered=self._entered.ctypes.data,
            passed=self._passed.ctypes.data,
            bytes=self._bytes.ctypes.data,
            steps=self._steps.ctypes.data,
            code=ctypes.cast(ctypes.c_char_p(self._code), ctypes.c_void_p),
            limit=2**63,
            stop=ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p),
            thumb=int(thumb),
        )
        self._handle = ctypes.c_size_t()
        # The Python binding takes functions of Python only; the library itself takes any address.
        status = uclib.uc_hook_add(
            engine._uch,
            ctypes.byref(self._handle),
            UC_HOOK_BLOCK,
            ctypes.cast(_library().on_block, ctypes.c_void_p),
            ctypes.byref(self._state),
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
        if status:
            raise RuntimeError(f"The emulator refused to count blocks: {UcError(status)}.")

    @property
    def instructions(self) -> int:
        """Instructions so far."""
        return int(self._state.instructions)

    def limit(self, instructions: int) -> None:
        """Stop the emulator once it has run more than this many further instructions."""
        self._state.limit = self.instructions + instructions

    def kinds(self) -> Mapping[str, int]:
        """Return how often each kind of instruction ran: keys of ``formulas.cycles.KINDS``.

        Raises:
            ValueError: The code is not Thumb code.
        """
        if not self._thumb:
            raise ValueError("Only Thumb instructions are sorted into kinds.")
        found: Counter[str] = Counter()
        for place in np.flatnonzero(self._entered):
            runs, passed = int(self._entered[place]), int(self._passed[place])
            start, size = 2 * int(place), int(self._bytes[place])
            *body, last = decode(self._code[start : start + size])
            for each in body:
                found[each.kind] += runs
                found["transfer"] += runs * each.transfers
            # A block ends with a branch, or where the emulator's own limits end it.
            leaves = last.kind in {"branch", "return"}
            found[last.kind] += runs - passed if leaves else runs
            found["not_taken"] += passed if leaves else 0
            found["transfer"] += (runs - passed if leaves else runs) * last.transfers
        return {kind: count for kind, count in sorted(found.items()) if count}


@cache
def _library() -> ctypes.CDLL:
    """Compile the counter and load it; the file isn't needed any more then."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        target = Path(folder) / "block_counter.so"
        command = [sys.executable, "-m", "ziglang", "cc", "-O2", "-shared", "-fPIC"]
        # It calls nothing, and on most systems links with nothing: that saves compiling a library.
        command += [] if sys.platform == "win32" else ["-nostdlib", "-ffreestanding"]
        done = subprocess.run(
            [*command, "-o", str(target), str(SOURCE)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{SOURCE.name} doesn't compile:\n{done.stderr.strip()}")
        return ctypes.CDLL(str(target))
