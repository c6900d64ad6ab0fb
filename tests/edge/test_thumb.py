"""Thumb instructions sorted by kind: encodings from the architecture's manual."""

import pytest

from deployworkbook.edge.thumb import Instruction, decode, is_long

SHORT = {
    "movs r0, #1": (0x2001, "other"),
    "muls r0, r1": (0x4348, "other"),
    "add r8, r1": (0x4488, "other"),
    "add pc, r1": (0x448F, "branch"),
    "mov pc, r1": (0x468F, "branch"),
    "mov r8, r1": (0x4688, "other"),
    "cmp r8, r1": (0x4588, "other"),
    "bx lr": (0x4770, "branch"),
    "blx r3": (0x4798, "branch"),
    "ldr r0, [pc, #4]": (0x4801, "load"),
    "str r0, [r1, r2]": (0x5088, "store"),
    "strb r0, [r1, r2]": (0x5488, "store"),
    "ldrsb r0, [r1, r2]": (0x5688, "load"),
    "ldrsh r0, [r1, r2]": (0x5E88, "load"),
    "str r0, [r1]": (0x6008, "store"),
    "ldr r0, [r1]": (0x6808, "load"),
    "strb r0, [r1]": (0x7008, "store"),
    "ldrb r0, [r1]": (0x7808, "load"),
    "strh r0, [r1]": (0x8008, "store"),
    "ldrh r0, [r1]": (0x8808, "load"),
    "str r0, [sp]": (0x9000, "store"),
    "ldr r0, [sp]": (0x9800, "load"),
    "adr r0, #4": (0xA001, "other"),
    "sub sp, #8": (0xB082, "other"),
    "sxtb r0, r1": (0xB248, "other"),
    "it eq": (0xBF08, "other"),
    "b .": (0xE7FE, "branch"),
    "svc #0": (0xDF00, "other"),
}
LONG = {
    "add.w r0, r1, r2": ("eb01 0002", "other"),
    "add.w r0, r1, #256": ("f501 7080", "other"),
    "mul r0, r1, r2": ("fb01 f002", "other"),
    "mla r0, r1, r2, r3": ("fb01 3002", "other"),
    "smull r0, r1, r2, r3": ("fb82 0103", "other"),
    "sdiv r0, r1, r2": ("fb91 f0f2", "divide"),
    "udiv r0, r1, r2": ("fbb1 f0f2", "divide"),
    "ldr.w r0, [r1, #256]": ("f8d1 0100", "load"),
    "ldrsb.w r0, [r1, #256]": ("f991 0100", "load"),
    "str.w r0, [r1, #256]": ("f8c1 0100", "store"),
    "strb.w r0, [r1, #256]": ("f881 0100", "store"),
    "bl .": ("f7ff fffe", "call"),
    "b.w .": ("f7ff bffe", "branch"),
    "dmb": ("f3bf 8f5f", "other"),
    "vldr s0, [r0]": ("ed90 0a00", "load"),
    "vstr s0, [r0]": ("ed80 0a00", "store"),
    "vadd.f32 s0, s1, s2": ("ee30 0a81", "float"),
    "vmul.f32 s0, s1, s2": ("ee20 0a81", "float"),
    "vmla.f32 s0, s1, s2": ("ee00 0a81", "float_accumulate"),
    "vfma.f32 s0, s1, s2": ("eea0 0a81", "float_accumulate"),
    "vdiv.f32 s0, s1, s2": ("ee80 0a81", "float_divide"),
    "vsqrt.f32 s0, s1": ("eeb1 0ae0", "float_divide"),
    "vcvt.f32.s32 s0, s0": ("eeb8 0ac0", "float"),
    "vmov r0, s0": ("ee10 0a10", "float"),
}
SEVERAL = {
    "push {r4-r7, lr}": ("b5f0", Instruction("multiple", 5)),
    "pop {r4-r7, pc}": ("bdf0", Instruction("return", 5)),
    "pop {r0}": ("bc01", Instruction("multiple", 1)),
    "stm r0!, {r1-r3}": ("c00e", Instruction("multiple", 3)),
    "ldm r0!, {r1, r2}": ("c806", Instruction("multiple", 2)),
    "push.w {r4-r11, lr}": ("e92d 4ff0", Instruction("multiple", 9)),
    "pop.w {r4-r11, pc}": ("e8bd 8ff0", Instruction("return", 9)),
    "ldr.w pc, [sp], #4": ("f85d fb04", Instruction("return", 1)),
    "ldrd r0, r1, [r2]": ("e9d2 0100", Instruction("multiple", 2)),
    "tbb [pc, r0]": ("e8df f000", Instruction("branch", 1)),
    "ldrex r0, [r1]": ("e851 0f00", Instruction("load")),
    "vpush {d8}": ("ed2d 8b02", Instruction("multiple", 2)),
    "beq .": ("d0fe", Instruction("branch", conditional=True)),
    "cbz r0, .+4": ("b100", Instruction("branch", conditional=True)),
    "beq.w .": ("f43f affe", Instruction("branch", conditional=True)),
}


def bytes_of(halves):
    return b"".join(int(half, 16).to_bytes(2, "little") for half in halves.split())


@pytest.mark.parametrize("text", SHORT)
def test_short_instructions(text):
    half, kind = SHORT[text]
    assert not is_long(half)
    assert decode(half.to_bytes(2, "little")) == [Instruction(kind)]


@pytest.mark.parametrize("text", LONG)
def test_long_instructions(text):
    halves, kind = LONG[text]
    assert is_long(int(halves[:4], 16))
    assert decode(bytes_of(halves)) == [Instruction(kind)]


@pytest.mark.parametrize("text", SEVERAL)
def test_instructions_with_registers_or_conditions(text):
    halves, expected = SEVERAL[text]
    assert decode(bytes_of(halves)) == [expected]


def test_a_sequence_keeps_its_order():
    kinds = [each.kind for each in decode(bytes_of("b510 f7ff fffe bd10"))]
    assert kinds == ["multiple", "call", "return"]
