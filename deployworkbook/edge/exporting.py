"""Write a model as C: readable C99 without dependencies, with a test and an Arduino sketch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook import __version__
from deployworkbook.edge.network import read_network
from deployworkbook.edge.planning import plan
from deployworkbook.edge.program import Program, check_pixels
from deployworkbook.edge.project import RECORD, CProject
from deployworkbook.edge.tables import Table
from deployworkbook.formulas.integer_inference import Rounding
from deployworkbook.training.variant import Variant
from deployworkbook.workspace.files import atomic_folder
from deployworkbook.workspace.templates import render

TEMPLATES = Path(__file__).parent / "templates"
# How many images are enough for a test vector, where none are given.
TEST_IMAGES = 4


def export_c(
    variant: Variant,
    directory: Path,
    *,
    layout: str | None = None,
    rounding: Rounding = "float32",
    test_pixels: NDArray[np.uint8] | None = None,
) -> CProject:
    """Write a variant as a C library for microcontrollers.

    The folder gets ``model.h``, ``model.c``, a test with its vector, a Makefile, a sketch for
    Arduino and a note on licenses. The code needs no library, no heap, and no floating point unless
    the variant has float weights.

    Args:
        variant: A Keras model or a LiteRT file of dense layers: ReLU in the hidden ones, softmax in
            the last. A file in int8 keeps LiteRT's arithmetic to the last bit. One with integer
            weights and float activations is computed in whole numbers alone.
        directory: The folder; what an earlier export wrote there is replaced.
        layout: Layout of all weights: ``"float32"``, ``"int8"``, ``"int4"`` or ``"sparse int4"``;
            ``None`` for the smallest of each layer.
        rounding: For int8: ``"float32"`` as LiteRT on a computer, ``"double"`` as TensorFlow Lite
            Micro, or ``"single"`` as LiteRT's reference kernels.
        test_pixels: Images for the test vector, uint8, shape ``[n, pixels]``; drawn by chance if
            none are given.

    Returns:
        The project, with the bytes that its tables and buffers will take.

    Raises:
        ValueError: The variant has other layers, or a layout can't hold its weights.
        FileExistsError: The directory holds something else than an earlier export.
    """
    program = plan(read_network(variant), layout=layout, rounding=rounding)
    return write_project(program, variant.name, directory, test_pixels=test_pixels)


def write_project(
    program: Program,
    name: str,
    directory: Path,
    *,
    test_pixels: NDArray[np.uint8] | None = None,
) -> CProject:
    """Write a program as C, as ``export_c`` does.

    Args:
        program: What ``plan`` returned.
        name: Name of the variant.
        directory: The folder.
        test_pixels: Images for the test vector.

    Raises:
        FileExistsError: The directory holds something else than an earlier export.
    """
    folder = Path(directory)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / RECORD).exists():
        raise FileExistsError(
            f"{folder} holds other files, which an export would replace. Choose an empty folder."
        )
    project = CProject(
        folder,
        name,
        program.arithmetic,
        tuple(step.layout.name for step in program.steps),
        (program.pixels, *(step.outputs for step in program.steps)),
        program.score_type,
        program.score_step,
        program.table_bytes,
        program.buffer_bytes,
    )
    pixels = _drawn(program.pixels) if test_pixels is None else test_pixels
    texts = _texts(project, program, check_pixels(pixels, program.pixels))
    with atomic_folder(folder) as temporary:
        for path, text in texts.items():
            target = temporary / path
            target.parent.mkdir(exist_ok=True)
            target.write_text(text)
    return project


def _drawn(count: int) -> NDArray[np.uint8]:
    """Draw images whose pixels are mostly 0, as those of digits."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (TEST_IMAGES, count), np.uint8)
    return np.where(generator.random(pixels.shape) < 0.8, np.uint8(0), pixels)


def _texts(project: CProject, program: Program, pixels: NDArray[np.uint8]) -> dict[str, str]:
    scores = program.scores(pixels)
    rescalings = [step.rescaling for step in program.steps if step.rescaling is not None]
    inputs = program.input_table
    values: dict[str, Any] = {
        "version": __version__,
        "name": project.variant,
        "summary": _summary(project),
        "program": program,
        "rounding": rescalings[0].rounding if rescalings else None,
        "table": None if inputs is None else Table("inputs", inputs),
        "images": Table("images", pixels.ravel()),
        "scores": Table("scores", scores.ravel()),
        # Sums of n floats differ by about n roundings.
        "tolerance": 1e-6 * program.pixels * max(1.0, float(np.abs(scores).max())),
        "table_bytes": program.table_bytes,
        "ram_bytes": program.buffer_bytes + program.pixels,
    }
    names = {
        "model.h": "model.h",
        "model.c": "model.c",
        "test/test_model.c": "test_model.c",
        "test/test_vector.h": "test_vector.h",
        "Makefile": "Makefile",
        "NOTICE.txt": "NOTICE.txt",
        # Arduino wants a sketch to be called like its folder.
        f"{project.directory.resolve().name}.ino": "sketch.ino",
    }
    texts = {
        path: render(TEMPLATES / f"{template}.j2", **values) for path, template in names.items()
    }
    return {**texts, RECORD: project.record()}


def _summary(project: CProject) -> str:
    layouts = " and ".join(dict.fromkeys(project.layouts))
    sizes = " x ".join(str(size) for size in project.sizes)
    return f"A dense network of {sizes} units, weights as {layouts}"
