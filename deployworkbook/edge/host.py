"""The model in C, compiled for this computer: what the same code takes by a clock."""

from __future__ import annotations

import ctypes
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.compiled_runtime import CompiledPredictor, CompiledRuntime
from deployworkbook.edge.compiling import Build, compile_c, find_compiler
from deployworkbook.edge.project import CProject
from deployworkbook.edge.tables import C_TYPES
from deployworkbook.edge.targets import TARGETS
from deployworkbook.runtimes.base import UnavailableError

NAME = "host-c"
SOURCE = Path(__file__).parent / "native" / "score_all.c"


def compiler_obstacle() -> str:
    """Return why no C compiler for this computer is there; an empty text if one is."""
    try:
        find_compiler(TARGETS["host"])
    except UnavailableError as error:
        return str(error)
    return ""


def compiler_version() -> str:
    """Return the compiler's version; ``unknown`` if it isn't ``ziglang``."""
    try:
        return version("ziglang")
    except PackageNotFoundError:
        return "unknown"


class HostCRuntime(CompiledRuntime):
    """Exports variants as C, compiled for this computer, and runs them without any library."""

    name = NAME

    def _compile(self, project: CProject) -> Build:
        return compile_c(project, "host", optimize="-O3", sources=[SOURCE])

    def _predictor(self, project: CProject, program: Path) -> HostCPredictor:
        try:
            return HostCPredictor(project, ctypes.CDLL(str(program)))
        except OSError as error:
            raise ValueError(
                f"{program} doesn't load ({error}). It was compiled for another machine: "
                "export the model again."
            ) from error


class HostCPredictor(CompiledPredictor):
    """A model in machine code of this computer.

    Call it from one thread at a time: its hidden layers are in static memory.

    Args:
        project: What is known of the model.
        library: The program.
    """

    runtime = NAME

    def __init__(self, project: CProject, library: ctypes.CDLL) -> None:
        super().__init__(project)
        self.runtime_version = compiler_version()
        self._score_all = library.model_score_all
        self._score_all.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
        self._score_all.restype = None

    def _scores(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        shape = (len(pixels), self._project.classes)
        scores: NDArray[Any] = np.empty(shape, C_TYPES[self._project.score_type])
        rows = np.ascontiguousarray(pixels)
        self._score_all(rows.ctypes.data, scores.ctypes.data, len(rows))
        return scores
