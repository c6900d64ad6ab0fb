"""Sort Thumb instructions into the kinds whose cycles are published.

Source: ARM, "ARMv7-M Architecture Reference Manual" (DDI 0403), chapter A5, the tables of the
instruction encodings; ARMv6-M, which the Cortex-M0+ runs, is a part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

PC = 1 << 15


@dataclass(frozen=True)
class Instruction:
    """An instruction, as far as its cycles depend on it.

    Args:
        kind: One of ``formulas.cycles.KINDS``.
        transfers: Registers that it loads or stores, if it may move several.
        conditional: Whether it is a branch that may not be taken.
    """

    kind: str
    transfers: int = 0
    conditional: bool = False


OTHER, LOAD, STORE = Instruction("other"), Instruction("load"), Instruction("store")
BRANCH, CALL = Instruction("branch"), Instruction("call")
MAYBE = Instruction("branch", conditional=True)
FLOAT, ACCUMULATE = Instruction("float"), Instruction("float_accumulate")
DIVIDE, FLOAT_DIVIDE = Instruction("divide"), Instruction("float_divide")


def is_long(half: int) -> bool:
    """Return whether a halfword begins an instruction of 32 bits.

    >>> is_long(0x4770), is_long(0xF000)  # BX LR, and the first half of BL
    (False, True)
    """
    return half >= 0xE800


def decode(code: bytes) -> list[Instruction]:
    """Sort the instructions of a piece of code.

    Args:
        code: Machine code that starts with an instruction and ends with one.

    >>> decode(bytes.fromhex("10b5 0068 fae7"))  # PUSH {R4, LR}; LDR R0, [R0]; B back
    [Instruction(kind='multiple', transfers=2, conditional=False), \
Instruction(kind='load', transfers=0, conditional=False), \
Instruction(kind='branch', transfers=0, conditional=False)]
    """
    halves = [int.from_bytes(code[at : at + 2], "little") for at in range(0, len(code), 2)]
    found, at = [], 0
    while at < len(halves):
        if is_long(halves[at]):
            found.append(_long(halves[at], halves[at + 1]))
            at += 2
        else:
            found.append(_short(halves[at]))
            at += 1
    return found


def _short(half: int) -> Instruction:
    top = half >> 12
    if top == 0x4:
        if half & 0x0800:
            return LOAD  # from the literal pool
        special = half & 0xFF00
        moves = special in {0x4400, 0x4600}
        to_pc = half & 0x87 == 0x87
        return BRANCH if special == 0x4700 or (moves and to_pc) else OTHER
    if top == 0x5:
        return STORE if (half >> 9) & 7 < 3 else LOAD
    if top in {0x6, 0x7, 0x8, 0x9}:
        return LOAD if half & 0x0800 else STORE
    if top == 0xB:
        return _miscellaneous(half)
    if top == 0xC:
        return Instruction("multiple", (half & 0xFF).bit_count())
    if top == 0xD:
        return MAYBE if half & 0x0F00 < 0x0E00 else OTHER
    return BRANCH if top == 0xE else OTHER


def _miscellaneous(half: int) -> Instruction:
    registers = (half & 0x1FF).bit_count()
    if half & 0xFE00 == 0xB400:
        return Instruction("multiple", registers)  # PUSH
    if half & 0xFE00 == 0xBC00:
        return Instruction("return" if half & 0x100 else "multiple", registers)  # POP
    return MAYBE if half & 0xF500 == 0xB100 else OTHER  # CBZ and CBNZ


def _long(first: int, second: int) -> Instruction:
    if first & 0xEC00 == 0xEC00:
        return _float(first, second)
    if first & 0xF800 == 0xE800:
        return _several(first, second)
    if first & 0xF800 == 0xF000:
        return _control(first, second) if second & 0x8000 else OTHER
    if first & 0xFE10 == 0xF800:
        return STORE
    if first & 0xFE10 == 0xF810:
        return Instruction("return", 1) if second >= 0xF000 and first & 0x40 else LOAD
    return DIVIDE if first & 0xFFD0 == 0xFB90 else OTHER


def _several(first: int, second: int) -> Instruction:
    """Loads and stores of several registers, table branches, and shifted operands."""
    if first & 0xFE40 == 0xE800:
        returns = first & 0x10 and second & PC
        return Instruction("return" if returns else "multiple", second.bit_count())
    if first & 0xFE40 == 0xE840:
        if first & 0xFFF0 == 0xE8D0 and second & 0xFFE0 == 0xF000:
            return Instruction("branch", 1)  # TBB and TBH load an offset, and branch
        alone = first & 0xFFE0 == 0xE840  # exclusive
        loads = LOAD if first & 0x10 else STORE
        return loads if alone else Instruction("multiple", 2)
    return OTHER


def _control(first: int, second: int) -> Instruction:
    if second & 0x4000:
        return CALL
    if second & 0x1000:
        return BRANCH
    return MAYBE if (first >> 6) & 0xF < 0xE else OTHER


def _float(first: int, second: int) -> Instruction:
    if first & 0xFF00 == 0xEE00:
        if second & 0x10:
            return FLOAT  # between an integer register and one of the unit
        operation = (first >> 4) & 0xB
        if operation in {0x0, 0x1, 0x9, 0xA}:
            return ACCUMULATE
        root = operation == 0xB and first & 0xF == 1 and second & 0xC0 == 0xC0
        return FLOAT_DIVIDE if operation == 0x8 or root else FLOAT
    if first & 0xFE00 == 0xEC00:
        if first & 0xFFE0 == 0xEC40:
            return FLOAT
        if first & 0xFF20 == 0xED00:
            return LOAD if first & 0x10 else STORE
        return Instruction("multiple", second & 0xFF)
    return OTHER
