"""Run a compiled program on an emulated core, once per input.

Memory that the host shares with the emulator holds the input, the output and the stack, so that a
call costs two assignments and one start of the emulator. Inputs don't depend on each other, so each
processor of the host emulates a chip of its own.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unicorn import arm_const, riscv_const, unicorn_const
from unicorn.unicorn_py3.unicorn import Uc, UcError

from deployworkbook.edge.block_counter import BlockCounter
from deployworkbook.edge.elf import Binary
from deployworkbook.ledger.machine import available_cores
from deployworkbook.validation import check_choice

Bytes = NDArray[np.uint8]

PAGE = 4096
STACK_BYTES = 64 * 1024
# Where the host's memories are on the emulated side; programs are linked elsewhere.
STACK, INPUT, OUTPUT, RETURN = 0x6000_0000, 0x6100_0000, 0x6200_0000, 0x6300_0000
PAINT = 0xA5
# Far more than the workbook's network takes on any core without floating point.
MOST_INSTRUCTIONS = 500_000_000
# Below this many calls, setting up one more emulator takes longer than it saves.
FEWEST_CALLS = 50


@dataclass(frozen=True)
class _Machine:
    """How to set up an emulator, and the registers of a call."""

    architecture: int
    mode: int
    model: int | None
    arguments: tuple[int, int]
    stack: int
    link: int
    counter: int
    thumb: bool


def _cortex(model: int) -> _Machine:
    return _Machine(
        unicorn_const.UC_ARCH_ARM,
        unicorn_const.UC_MODE_THUMB | unicorn_const.UC_MODE_MCLASS,
        model,
        (arm_const.UC_ARM_REG_R0, arm_const.UC_ARM_REG_R1),
        arm_const.UC_ARM_REG_SP,
        arm_const.UC_ARM_REG_LR,
        arm_const.UC_ARM_REG_PC,
        True,
    )


CORES = {
    # The emulator has no Cortex-M0+, but the Cortex-M0 runs the same instructions.
    "cortex-m0plus": _cortex(arm_const.UC_CPU_ARM_CORTEX_M0),
    "cortex-m4": _cortex(arm_const.UC_CPU_ARM_CORTEX_M4),
    "cortex-m7": _cortex(arm_const.UC_CPU_ARM_CORTEX_M7),
    "riscv32": _Machine(
        unicorn_const.UC_ARCH_RISCV,
        unicorn_const.UC_MODE_RISCV32,
        None,
        (riscv_const.UC_RISCV_REG_A0, riscv_const.UC_RISCV_REG_A1),
        riscv_const.UC_RISCV_REG_SP,
        riscv_const.UC_RISCV_REG_RA,
        riscv_const.UC_RISCV_REG_PC,
        False,
    ),
}


@dataclass(frozen=True, eq=False)
class Run:
    """What an emulated program did, once per input.

    Args:
        outputs: Bytes that it wrote, shape ``[n, bytes]``.
        instructions: Instructions of each call, shape ``[n]``.
        kinds: How often each kind of instruction ran in all calls; empty on RISC-V.
        stack_bytes: The most that the stack took.
        seconds: Time that this machine took to emulate all calls.
    """

    outputs: Bytes
    instructions: NDArray[np.int64]
    kinds: dict[str, int]
    stack_bytes: int
    seconds: float


def run(
    program: Binary,
    inputs: Bytes,
    *,
    core: str,
    output_bytes: int,
    most_instructions: int = MOST_INSTRUCTIONS,
) -> Run:
    """Call a program's first function once per input on an emulated core; count instructions.

    Many inputs are divided among several chips. What a program keeps in its variables from call to
    call, it keeps on its own chip.

    Args:
        program: The linked program. It begins with a function of two pointers: what it reads, and
            what it writes.
        inputs: Bytes for the first pointer, one row per call.
        core: One of ``CORES``.
        output_bytes: Bytes behind the second pointer.
        most_instructions: Where to give up a call.

    Raises:
        ValueError: The core is unknown.
        RuntimeError: The program reads or writes where it has no memory, overflows its stack, or
            doesn't return.
    """
    machine = CORES[check_choice("core", core, CORES)]
    threads = max(1, min(available_cores(), len(inputs) // FEWEST_CALLS))
    call = partial(_run, machine, program, output_bytes, most_instructions)
    begun = perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(call, np.array_split(inputs, threads)))
    kinds: Counter[str] = Counter()
    for part in parts:
        kinds.update(part.kinds)
    return Run(
        np.concatenate([part.outputs for part in parts]),
        np.concatenate([part.instructions for part in parts]),
        dict(sorted(kinds.items())),
        max(part.stack_bytes for part in parts),
        perf_counter() - begun,
    )


def _run(
    machine: _Machine, program: Binary, output_bytes: int, most_instructions: int, inputs: Bytes
) -> Run:
    """Call the function once per input, one after another, in an emulator of its own."""
    begun = perf_counter()
    emulator = _Emulator(machine, program, inputs.shape[1], output_bytes)
    outputs = np.empty((len(inputs), output_bytes), np.uint8)
    instructions = np.empty(len(inputs), np.int64)
    for number, row in enumerate(inputs):
        instructions[number] = emulator.call(program.entry, row, most_instructions)
        outputs[number] = emulator.output
    kinds = dict(emulator.blocks.kinds()) if machine.thumb else {}
    return Run(outputs, instructions, kinds, emulator.stack_bytes, perf_counter() - begun)


class _Emulator:
    def __init__(self, machine: _Machine, program: Binary, inputs: int, outputs: int) -> None:
        self._machine = machine
        self._engine = Uc(machine.architecture, machine.mode)
        if machine.model is not None:
            self._engine.ctl_set_cpu_model(machine.model)
        self._map(program)
        # Never run, but RISC-V's emulator looks there before it stops.
        self._engine.mem_map(RETURN, PAGE, unicorn_const.UC_PROT_READ | unicorn_const.UC_PROT_EXEC)
        self._memories = [
            self._share(address, size)
            for address, size in ((STACK, STACK_BYTES), (INPUT, inputs), (OUTPUT, outputs))
        ]
        stack, source, sink = self._memories
        stack[:] = PAINT
        self._stack, self._input, self.output = stack, source[:inputs], sink[:outputs]
        code = [each for each in program.segments if not each.writable]
        base = min(each.address for each in code)
        flash = bytearray(max(each.address + each.size for each in code) - base)
        for each in code:
            flash[each.address - base : each.address - base + len(each.content)] = each.content
        self.blocks = BlockCounter(self._engine, base=base, code=bytes(flash), thumb=machine.thumb)

    def call(self, entry: int, row: Bytes, most: int) -> int:
        """Call the function with one input; return how many instructions it took."""
        engine, machine = self._engine, self._machine
        self._input[:] = row
        before = self.blocks.instructions
        self.blocks.limit(most)
        engine.reg_write(machine.arguments[0], INPUT)
        engine.reg_write(machine.arguments[1], OUTPUT)
        engine.reg_write(machine.stack, STACK + STACK_BYTES)
        engine.reg_write(machine.link, RETURN | int(machine.thumb))
        try:
            engine.emu_start(entry, RETURN)
        except UcError as error:
            at = engine.reg_read(machine.counter)
            raise RuntimeError(
                f"The program failed at address {at:#x}: {error}. It may read or write outside "
                f"its memory, or need more than {STACK_BYTES:,} bytes of stack."
            ) from error
        taken = self.blocks.instructions - before
        if taken > most:
            raise RuntimeError(f"The program didn't return within {most:,} instructions.")
        return taken

    @property
    def stack_bytes(self) -> int:
        """Bytes between the top of the stack and the deepest one that lost its paint."""
        changed = np.flatnonzero(self._stack != PAINT)
        return STACK_BYTES - int(changed[0]) if len(changed) else 0

    def _map(self, program: Binary) -> None:
        pages: dict[int, int] = {}
        for each in program.segments:
            rights = unicorn_const.UC_PROT_READ | (
                unicorn_const.UC_PROT_WRITE if each.writable else unicorn_const.UC_PROT_EXEC
            )
            for page in range(each.address // PAGE, -(-(each.address + each.size) // PAGE)):
                pages[page] = pages.get(page, 0) | rights
        for page, rights in pages.items():
            self._engine.mem_map(page * PAGE, PAGE, rights)
        for each in program.segments:
            self._engine.mem_write(each.address, each.content)

    def _share(self, address: int, size: int) -> Any:
        whole = -(-size // PAGE) * PAGE
        memory = np.zeros(whole + PAGE, np.uint8)
        start = -memory.ctypes.data % PAGE
        shared = memory[start : start + whole]
        rights = unicorn_const.UC_PROT_READ | unicorn_const.UC_PROT_WRITE
        self._engine.mem_map_ptr(address, whole, rights, shared.ctypes.data)
        return shared
