"""The model in C, compiled for a Cortex-M0+ that this computer emulates."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.compiled_runtime import CompiledPredictor, CompiledRuntime
from deployworkbook.edge.compiling import Build, compile_c
from deployworkbook.edge.elf import Binary, read_elf
from deployworkbook.edge.emulator import run
from deployworkbook.edge.host import compiler_version
from deployworkbook.edge.project import CProject
from deployworkbook.edge.tables import C_TYPES

NAME = "cortex-m0plus"


def emulator_version() -> str:
    """Return the versions of compiler and emulator, which decide what is counted."""
    return f"ziglang {compiler_version()}, unicorn {version('unicorn')}"


class CortexM0PlusRuntime(CompiledRuntime):
    """Exports variants as programs for a Cortex-M0+, and runs them on an emulated one.

    Its answers are a chip's; its time is not. ``edge.measure_core`` counts what a chip would do.
    """

    name = NAME

    def _compile(self, project: CProject) -> Build:
        return compile_c(project, NAME)

    def _predictor(self, project: CProject, program: Path) -> EmulatedPredictor:
        return EmulatedPredictor(project, read_elf(program.read_bytes()))


class EmulatedPredictor(CompiledPredictor):
    """A model on an emulated Cortex-M0+.

    Args:
        project: What is known of the model.
        binary: The program.
    """

    runtime = NAME
    # Its time would be that of the emulator.
    emulated = True

    def __init__(self, project: CProject, binary: Binary) -> None:
        super().__init__(project)
        self.runtime_version = emulator_version()
        self._binary = binary

    def _scores(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        score = C_TYPES[self._project.score_type]
        size = self._project.classes * score.itemsize
        done = run(self._binary, pixels, core=NAME, output_bytes=size)
        return done.outputs.view(score)
