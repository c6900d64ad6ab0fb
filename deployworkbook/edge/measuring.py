"""Measure a variant on an emulated core: from the variant to a row of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deployworkbook.edge.compiling import compile_c
from deployworkbook.edge.emulated import emulator_version
from deployworkbook.edge.emulation import Emulation, emulate
from deployworkbook.edge.emulator import CORES
from deployworkbook.edge.exporting import export_c
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
        correct: Number of images classified correctly.
        examples: Number of images.
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
    """Write a variant as C, compile it for a core, and run the test set on the emulated core.

    Args:
        variant: A Keras model or a LiteRT file; see ``export_c``.
        dataset: Its test set is classified.
        directory: Folder for the C files.
        core: ``cortex-m0plus``, ``cortex-m4``, ``cortex-m7`` or ``riscv32``.
        layout: As in ``export_c``.
        optimize: As in ``compile_c``.
        examples: Number of images, the first of the test set; by default all, or as many as about
            3·10⁹ instructions allow.
        lesson: Name of the notebook, for the ledger.
        note: Note for the ledger.

    Raises:
        ValueError: The variant has other layers than C can be written for, or an argument is out of
            range.
        UnavailableError: There is no compiler.
    """
    check_choice("core", core, CORES)
    images, labels = dataset.test.images, dataset.test.labels
    pixels = to_pixels(
        images if examples is None else images[: check_integer("examples", examples, 1)]
    )
    project = export_c(variant, directory, layout=layout)
    build = compile_c(project, core, optimize=optimize)
    if examples is None:
        first = emulate(project, pixels[:1], build=build)
        most = int(BUDGET / first.instructions_per_image)
        pixels = pixels[: max(LEAST_EXAMPLES, most)]
    emulation = emulate(project, pixels, build=build)
    count = len(pixels)
    correct = int((emulation.scores.argmax(axis=1) == labels[:count]).sum())
    low, high = int(emulation.instructions.min()), int(emulation.instructions.max())
    said = f"emulated; {low:,} to {high:,} instructions per image"
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
