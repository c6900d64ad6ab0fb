"""Measure a variant on an emulated core: from the variant to a row of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.edge.compiling import compile_c
from deployworkbook.edge.emulated import emulator_version
from deployworkbook.edge.emulation import Emulation, emulate
from deployworkbook.edge.emulator import CORES
from deployworkbook.edge.exporting import write_project
from deployworkbook.edge.network import read_network
from deployworkbook.edge.planning import plan
from deployworkbook.edge.program import to_pixels
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.training.data import Dataset
from deployworkbook.training.variant import Variant
from deployworkbook.validation import check_choice, check_integer

# Instructions that a few seconds of emulation allow. Sparse integers need less for all 10,000
# images; a core without floating point needs more for a hundredth of them.
BUDGET = 3_000_000_000
LEAST_EXAMPLES = 100


@dataclass(frozen=True, eq=False)
class CoreResult:
    """A variant on an emulated core.

    Args:
        variant: Name of the variant.
        emulation: What was counted.
        correct: Number of test images classified correctly.
        examples: Number of test images. All are classified, by the same whole numbers in NumPy; the
            emulated core has classified the first of them, with equal scores.
        measurement: Row for the ledger. It has no latency, since an emulated core has none.
    """

    variant: str
    emulation: Emulation
    correct: int
    examples: int
    measurement: Measurement

    @property
    def accuracy(self) -> float:
        """The fraction of images classified correctly."""
        return self.correct / self.examples


def measure_core(
    variant: Variant,
    dataset: Dataset,
    directory: Path,
    *,
    core: str = "cortex-m0plus",
    layout: str | None = None,
    optimize: str = "-Os",
    examples: int | None = None,
    lesson: str = "",
    note: str = "",
) -> CoreResult:
    """Write a variant as C, compile it for a core, and run test images on the emulated core.

    What the core computes is known beforehand, so accuracy is that of the whole test set. The
    emulated core shows on its images that the program does compute that, and counts instructions.

    Args:
        variant: A Keras model or a LiteRT file; see ``export_c``.
        dataset: Its test set is classified.
        directory: Folder for the C files.
        core: ``cortex-m0plus``, ``cortex-m4``, ``cortex-m7`` or ``riscv32``.
        layout: As in ``export_c``.
        optimize: As in ``compile_c``.
        examples: Number of images to emulate, the first of the test set; by default all, or as many
            as about 3·10⁹ instructions allow.
        lesson: Name of the notebook, for the ledger.
        note: Note for the ledger.

    Raises:
        ValueError: The variant has other layers than C can be written for, or an argument is out of
            range.
        UnavailableError: There is no compiler.
        RuntimeError: The program computes something else than it should.
    """
    check_choice("core", core, CORES)
    all_pixels = to_pixels(dataset.test.images)
    pixels = (
        all_pixels if examples is None else all_pixels[: check_integer("examples", examples, 1)]
    )
    program = plan(read_network(variant), layout=layout)
    project = write_project(program, variant.name, directory)
    build = compile_c(project, core, optimize=optimize)
    if examples is None:
        first = emulate(project, pixels[:1], build=build)
        most = int(BUDGET / first.instructions_per_image)
        pixels = pixels[: max(LEAST_EXAMPLES, most)]
    emulation = emulate(project, pixels, build=build)
    scores = program.scores(all_pixels)
    _check_scores(emulation.scores, scores[: len(pixels)])
    # The core's own answers where there are any: sums of floats depend on their order.
    answers = np.concatenate([emulation.scores, scores[len(pixels) :]]).argmax(axis=1)
    count = len(answers)
    correct = int((answers == dataset.test.labels).sum())
    low, high = int(emulation.instructions.min()), int(emulation.instructions.max())
    said = f"{len(pixels):,} images emulated; {low:,} to {high:,} instructions per image"
    return CoreResult(
        variant.name,
        emulation,
        correct,
        count,
        Measurement(
            variant=variant.name,
            runtime=core,
            runtime_version=emulator_version(),
            dataset=dataset.name,
            dataset_fingerprint=dataset.fingerprint,
            lesson=lesson,
            size_bytes=emulation.flash_bytes,
            correct=correct,
            examples=count,
            threads=1,
            flash_bytes=emulation.flash_bytes,
            ram_bytes=emulation.ram_bytes,
            instructions_per_image=emulation.instructions_per_image,
            note=f"{note}; {said}" if note else said,
        ),
    )


def _check_scores(found: NDArray[Any], expected: NDArray[Any]) -> None:
    if found.dtype.kind == "i":
        equal = (found == expected).all(axis=1)
    else:
        equal = np.isclose(found, expected, rtol=1e-3, atol=1e-3).all(axis=1)
    if not equal.all():
        number = int(np.argmin(equal))
        raise RuntimeError(
            f"The emulated core computes {found[number].tolist()} for test image {number}, and "
            f"NumPy {expected[number].tolist()}. Try optimize='-O1', and report this, please."
        )
