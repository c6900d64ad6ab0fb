"""What both platforms of compiled models share: their artifacts, and images as bytes."""

from __future__ import annotations

import shutil
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.compiling import Build
from deployworkbook.edge.exporting import export_c
from deployworkbook.edge.program import to_pixels
from deployworkbook.edge.project import RECORD, CProject, read_project
from deployworkbook.runtimes.base import Predictor, check_images
from deployworkbook.runtimes.exporting import FolderRuntime
from deployworkbook.training.variant import Variant


class CompiledRuntime(FolderRuntime):
    """Exports a variant as a program, compiled from C; a subclass says for which processor.

    An artifact holds machine code, which loading it runs: load only your own.
    """

    accepts = ("model", "flatbuffer")
    refusal = (
        "C is written from Keras models and LiteRT files, not from ONNX. "
        "Quantize the Keras model for LiteRT, and export that."
    )

    @abstractmethod
    def _compile(self, project: CProject) -> Build:
        """Compile the model in C."""

    @abstractmethod
    def _predictor(self, project: CProject, program: Path) -> Predictor:
        """Load a program."""

    def _writer(self, variant: Variant) -> Callable[[Path], object]:
        def write(folder: Path) -> None:
            with TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
                project = export_c(variant, Path(temporary) / "model")
                program = self._compile(project).path
                shutil.copyfile(program, folder / program.name)
                shutil.copyfile(project.directory / RECORD, folder / RECORD)

        return write

    def _read(self, folder: Path) -> Predictor:
        (program,) = [path for path in folder.iterdir() if path.suffix in {".elf", *_LIBRARIES}]
        return self._predictor(read_project(folder), program)


_LIBRARIES = {".so", ".dylib", ".dll"}


class CompiledPredictor:
    """A compiled model: images become bytes, as from a camera, and scores become probabilities.

    Args:
        project: What is known of the model.
    """

    threads = 1

    def __init__(self, project: CProject) -> None:
        self._project = project

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map images ``[n, 28, 28]`` to probabilities ``[n, classes]``."""
        return self._project.probabilities(self._scores(to_pixels(check_images(images))))

    @abstractmethod
    def _scores(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """Score images, shape ``[n, pixels]``."""
