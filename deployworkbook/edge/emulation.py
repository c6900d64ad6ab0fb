"""Run a compiled model on an emulated core: all answers, all instructions, and the RAM it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.compiling import Build, compile_c
from deployworkbook.edge.elf import read_elf
from deployworkbook.edge.emulator import CORES, run
from deployworkbook.edge.program import check_pixels
from deployworkbook.edge.project import CProject
from deployworkbook.edge.tables import C_TYPES
from deployworkbook.formulas.cycles import Cycles, cycles_of
from deployworkbook.validation import check_choice, value_error


@dataclass(frozen=True, eq=False)
class Emulation:
    """A model on an emulated core: counted, not timed.

    Args:
        project: The model in C.
        build: The program.
        scores: Scores of all images, shape ``[n, classes]``.
        instructions: Instructions of each image, shape ``[n]``: all of them, none estimated.
        kinds: Mean number per image of each kind of instruction, as ``formulas.cycles.KINDS`` names
            them; empty on RISC-V.
        stack_bytes: The most that the stack took for any image.
        seconds: Time that this machine took to emulate all images. It says nothing about a chip.
    """

    project: CProject
    build: Build
    scores: NDArray[Any]
    instructions: NDArray[np.int64]
    kinds: Mapping[str, float]
    stack_bytes: int
    seconds: float

    @property
    def core(self) -> str:
        """Name of the core."""
        return self.build.target

    @property
    def flash_bytes(self) -> int:
        """Bytes of flash: code and tables."""
        return self.build.flash_bytes or 0

    @property
    def ram_bytes(self) -> int:
        """Bytes of RAM: variables, the image, the scores, and the stack."""
        variables = self.build.ram_bytes or 0
        scores: int = self.scores[0].nbytes
        return variables + self.project.pixels + scores + self.stack_bytes

    @property
    def instructions_per_image(self) -> float:
        """Mean number of instructions per image."""
        return float(self.instructions.mean())

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Probabilities of all images, shape ``[n, classes]``."""
        return self.project.probabilities(self.scores)

    def cycles(self, core: str | None = None) -> Cycles:
        """Model the mean cycles per image, on this core or on one that runs its programs too.

        Args:
            core: One of ``formulas.cycles.TIMINGS``; by default the core that was emulated.

        Raises:
            ValueError: No timings of the core are published, such as those of RISC-V cores.
        """
        return cycles_of(self.kinds, core=self.core if core is None else core)


def emulate(
    project: CProject,
    pixels: NDArray[np.uint8],
    *,
    core: str = "cortex-m0plus",
    optimize: str = "-Os",
    build: Build | None = None,
) -> Emulation:
    """Score images on an emulated core, one after another, and count every instruction.

    Args:
        project: What ``export_c`` wrote.
        pixels: Images as bytes, shape ``[n, pixels]``, at least one; see ``to_pixels``.
        core: ``cortex-m0plus``, ``cortex-m4``, ``cortex-m7`` or ``riscv32``.
        optimize: As in ``compile_c``.
        build: The program, if it is compiled already; then ``core`` and ``optimize`` don't count.

    Raises:
        ValueError: The core is unknown, or there is no image of the right size.
        UnavailableError: There is no compiler.
        RuntimeError: The program reads or writes outside its memory, or doesn't return.
    """
    if not len(pixels):
        raise value_error("pixels", received="no image", expected="at least one")
    images = check_pixels(pixels, project.pixels)
    if build is None:
        build = compile_c(project, check_choice("core", core, CORES), optimize=optimize)
    score = C_TYPES[project.score_type]
    done = run(
        read_elf(build.path.read_bytes()),
        images,
        core=build.target,
        output_bytes=project.classes * score.itemsize,
    )
    return Emulation(
        project,
        build,
        done.outputs.view(score),
        done.instructions,
        {kind: count / len(images) for kind, count in done.kinds.items()},
        done.stack_bytes,
        done.seconds,
    )
