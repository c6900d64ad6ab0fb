"""An emulated core against Python: answers, every instruction, and the stack."""

import subprocess
import sys

import numpy as np
import pytest
import unicorn
from unicorn import arm_const

from deployworkbook.edge.elf import read_elf
from deployworkbook.edge.emulator import CORES, run

# A weighted sum whose loop ends early at a 200, a counter that outlives the calls, and much stack.
TEXT = """
#include <stdint.h>
static const uint8_t weights[8] = {1, 2, 3, 4, 5, 6, 7, 8};
static uint32_t calls;
static uint32_t start = 7;

__attribute__((noinline)) static uint32_t deep(const uint8_t *in, uint32_t size) {
  volatile uint8_t copy[300];
  uint32_t sum = 0;
  for (uint32_t k = 0; k < size; k++) copy[k] = in[k];
  for (uint32_t k = 0; k < size; k++) {
    if (copy[k] == 200) break;
    sum += (uint32_t)copy[k] * weights[k & 7];
  }
  return sum;
}

void call(const uint8_t *in, uint32_t *out) {
  out[0] = deep(in, 16) + start;
  out[1] = ++calls;
}

void lost(const uint8_t *in, uint32_t *out) {
  (void)in;
  *(volatile uint32_t *)0x70000000 = out[0];
}

void endless(const uint8_t *in, uint32_t *out) {
  (void)in;
  for (;;) { ((volatile uint32_t *)out)[0]++; }
}
"""
TARGETS = {
    "cortex-m0plus": ("thumb-freestanding-eabi", "cortex_m0plus"),
    "cortex-m4": ("thumb-freestanding-eabi", "cortex_m4"),
    "riscv32": ("riscv32-freestanding-none", "generic_rv32+m+c"),
}


@pytest.fixture(scope="module")
def link(tmp_path_factory):
    """Compile a C text for a core, without a library; the program begins with one function."""
    folder = tmp_path_factory.mktemp("linked")

    def linked(text, core, entry="call"):
        source, target = folder / f"{core}-{entry}.c", folder / f"{core}-{entry}.elf"
        source.write_text(text)
        system, cpu = TARGETS[core]
        command = [sys.executable, "-m", "ziglang", "cc", "-target", system, f"-mcpu={cpu}"]
        options = ["-Os", "-nostdlib", "-ffreestanding", f"-Wl,-e,{entry}"]
        subprocess.run([*command, *options, "-o", target, source], check=True)
        return read_elf(target.read_bytes())

    return linked


WEIGHTS = np.resize(np.arange(1, 9), 16)
INPUTS = np.random.default_rng(0).integers(0, 200, (50, 16)).astype(np.uint8)
INPUTS[7, 3] = 200


def expected(row):
    ends = np.flatnonzero(row == 200)
    used = row[: ends[0]] if len(ends) else row
    return int(used.astype(int) @ WEIGHTS[: len(used)]) + 7


@pytest.fixture(scope="module", params=["cortex-m0plus", "cortex-m4", "riscv32"])
def done(request, link):
    binary = link(TEXT, request.param)
    return run(binary, INPUTS, core=request.param, output_bytes=8), request.param, binary


def test_outputs_are_those_of_the_c_program(done):
    values = done[0].outputs.view("<u4")
    assert values[:, 0].tolist() == [expected(row) for row in INPUTS]
    assert values[:, 1].tolist() == list(range(1, 51))  # memory is kept from call to call


def test_a_loop_that_ends_early_takes_fewer_instructions(done):
    found = done[0].instructions
    assert found[7] < found[6] == found[8]
    assert found[7] == found.min()


def test_the_stack_holds_the_array_and_little_more(done):
    assert 300 <= done[0].stack_bytes <= 300 + 64


def test_kinds_add_up_to_all_instructions(done):
    result, core, _ = done
    if core == "riscv32":
        assert result.kinds == {}
        return
    total = sum(count for kind, count in result.kinds.items() if kind != "transfer")
    assert total == result.instructions.sum()
    # Each call reads and copies 16 bytes, so that it stores at least 16 and loads at least 32.
    assert result.kinds["store"] >= 50 * 16
    assert result.kinds["load"] >= 50 * 32


def test_every_instruction_is_counted_as_the_emulator_itself_counts(done):
    """The slow way: the emulator calls a function of Python before each instruction."""
    result, core, binary = done
    if core == "riscv32":
        pytest.skip("its registers have other names; the counter is the same")
    engine = unicorn.Uc(CORES[core].architecture, CORES[core].mode)
    engine.ctl_set_cpu_model(CORES[core].model)
    for segment in binary.segments:
        start = segment.address // 4096 * 4096
        size = -(-(segment.address + segment.size - start) // 4096) * 4096
        engine.mem_map(start, size)
        engine.mem_write(segment.address, segment.content)
    engine.mem_map(0x6000_0000, 0x10000)
    seen = []
    engine.hook_add(unicorn.UC_HOOK_CODE, lambda _, address, size, __: seen.append(address))
    for number in (6, 7):
        seen.clear()
        engine.mem_write(0x6000_0000, INPUTS[number].tobytes())
        engine.reg_write(arm_const.UC_ARM_REG_R0, 0x6000_0000)
        engine.reg_write(arm_const.UC_ARM_REG_R1, 0x6000_1000)
        engine.reg_write(arm_const.UC_ARM_REG_SP, 0x6000_8000)
        engine.reg_write(arm_const.UC_ARM_REG_LR, 0x6300_0001)
        engine.emu_start(binary.entry, 0x6300_0000)
        assert len(seen) == result.instructions[number]


def test_a_program_that_fails_says_where(done, link):
    core = done[1]
    with pytest.raises(RuntimeError, match=r"failed at address 0x.*outside its memory"):
        run(link(TEXT, core, "lost"), INPUTS[:1], core=core, output_bytes=8)


def test_a_program_that_never_returns_is_given_up(done, link):
    core = done[1]
    binary = link(TEXT, core, "endless")
    with pytest.raises(RuntimeError, match="within 10,000 instructions"):
        run(binary, INPUTS[:1], core=core, output_bytes=8, most_instructions=10_000)


def test_an_unknown_core_is_refused(done):
    with pytest.raises(ValueError, match="'cortex-m0plus'"):
        run(done[2], INPUTS, core="avr", output_bytes=8)


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\x02\x01" + bytes(60)])
def test_another_file_is_no_binary(content):
    with pytest.raises(ValueError, match="program: expected a little-endian ELF file of 32 bits"):
        read_elf(content)


def test_a_cut_binary_is_damaged():
    with pytest.raises(ValueError, match="damaged ELF file"):
        read_elf(b"\x7fELF\x01\x01" + bytes(22) + b"\x34" + bytes(15) + b"\x02\x00" + bytes(6))
