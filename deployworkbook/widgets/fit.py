"""The explorer of what fits: a model's flash and RAM against those of a microcontroller."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.formulas.flash import dense_bytes, sparse_bytes_in_flash
from deployworkbook.plots.fit import Basis, FitResult, FitView, MeasuredForm
from deployworkbook.validation import check_array, check_labels, value_error
from deployworkbook.widgets.controls import Choice, Slider, Stops
from deployworkbook.widgets.explorer import Explorer

Array = NDArray[np.float32]

INPUTS, CLASSES = 28 * 28, 10
BITS = (4, 8, 32)
HIDDEN = (8, 16, 24, 32, 48, 64, 80, 96, 104, 112, 128, 192, 256, 384, 512)
# A form counts as measured within this much sparsity.
NEAR_SPARSITY = 0.003
# Bytes per output: a bias, and for int8 a multiplier and a shift.
BIAS_BYTES = {4: 2, 8: 2, 32: 4}
RESCALING_BYTES = {4: 0, 8: 5, 32: 0}
# The code by layout, as compiled for a Cortex-M0+ with -Os; it hardly depends on the sizes. int8
# also scales back, and a core without floats computes with them by a library. A board's start-up
# code and its drivers come on top.
CODE_BYTES = {"int4": 258, "sparse int4": 292, "int8": 764, "sparse int8": 710, "float32": 2004}
STACK_BYTES = 120
# A hidden value in RAM. Sparse rows finish one output after another, in the type of the outputs;
# dense rows let all sums grow together, in four bytes.
VALUE_BYTES = {"sparse int4": 2, "sparse int8": 1}
SCORE_BYTES = 4
# More test images than these add little to what a slider shows. They are taken from the whole test
# set, because its halves aren't equally hard: MNIST's first 5,000 come from tidier writers.
MOST_IMAGES = 500


class Simulation:
    """A trained network, cut to fewer neurons, weights and bits, without retraining.

    Args:
        parameters: The network's kernels and biases: W_1, b_1, W_2, b_2.
        images: Test images in 0 … 1, shape ``[n, 28, 28]``; 500 of them are used, evenly spaced.
        labels: Their classes, shape ``[n]``.

    Raises:
        ValueError: A shape differs.
    """

    def __init__(
        self, parameters: Sequence[ArrayLike], images: ArrayLike, labels: ArrayLike
    ) -> None:
        if len(parameters) != 4:
            received = f"{len(parameters)} arrays"
            raise value_error("parameters", received=received, expected="W_1, b_1, W_2, b_2")
        first = check_array("W_1", parameters[0], ndim=2)
        hidden = first.shape[1]
        shapes = [(INPUTS, hidden), (hidden,), (hidden, CLASSES), (CLASSES,)]
        names = ("W_1", "b_1", "W_2", "b_2")
        # In float32, which is twice as fast and exact enough to tell classes apart.
        self._parameters = [
            check_array(name, each, ndim=len(shape), shape=shape).astype(np.float32)
            for name, each, shape in zip(names, parameters, shapes, strict=True)
        ]
        self.hidden = hidden
        pixels = check_array("images", images, ndim=3, shape=(28, 28))
        self._labels = check_labels("labels", labels, CLASSES)
        if len(self._labels) != len(pixels):
            received = f"{len(self._labels)} labels for {len(pixels)} images"
            raise value_error("labels", received=received, expected="a label for each image")
        spaced = np.unique(np.linspace(0, len(pixels) - 1, MOST_IMAGES).round().astype(int))
        pixels, self._labels = pixels[spaced], self._labels[spaced]
        # Without the pixels that are black in all images.
        rows = pixels.reshape(len(pixels), -1).astype(np.float32)
        self._seen = np.flatnonzero(rows.any(axis=0))
        self._pixels = rows[:, self._seen]
        # Which neurons matter: by the size of the weights before and after each.
        before, _, after, _ = self._parameters
        saliency = np.linalg.norm(before, axis=0) * np.linalg.norm(after, axis=1)
        self._by_saliency = np.argsort(-saliency)
        self.accuracy = lru_cache(maxsize=512)(self._accuracy)

    def _accuracy(self, bits: int, sparsity: float, hidden: int) -> float:
        """Return the accuracy with the most salient neurons, largest weights, and few bits."""
        kept = np.sort(self._by_saliency[:hidden])
        before, hidden_bias, after, bias = self._parameters
        first = _cut(before[:, kept], bits, sparsity)[self._seen]
        values = np.maximum(self._pixels @ first + hidden_bias[kept], 0)
        scores = values @ _cut(after[kept], bits, sparsity) + bias
        return float((scores.argmax(axis=1) == self._labels).mean())


def _cut(kernel: Array, bits: int, sparsity: float) -> Array:
    """Set the smallest weights to 0, and round the others to a symmetric grid."""
    sizes = np.abs(kernel)
    gone = round(sparsity * kernel.size)
    if gone:
        largest_gone = np.partition(sizes.ravel(), gone - 1)[gone - 1]
        kernel = np.where(sizes > largest_gone, kernel, 0)
    if bits == 32:
        return kernel
    step = sizes.max() / np.float32(2 ** (bits - 1) - 1) or np.float32(1)
    return np.round(kernel / step) * step


def flash_needed(bits: int, sparsity: float, hidden: int) -> tuple[str, tuple[float, ...]]:
    """Return the layout of a 784-hidden-10 network in flash, and its bytes by part.

    Each layer is stored dense or as sparse rows, whichever is smaller; float32 always dense.

    Args:
        bits: Bits per weight: 4, 8 or 32.
        sparsity: Share of the weights that are 0.
        hidden: Number of hidden units.

    >>> layout, (weights, others, _) = flash_needed(4, 0.975, 104)
    >>> layout, round(weights), others
    ('sparse int4', 3299, 228.0)
    """
    shapes = ((INPUTS, hidden), (hidden, CLASSES))
    sizes = [float(dense_bytes(*shape, bits=bits)) for shape in shapes]
    layout = "float32" if bits == 32 else f"int{bits}"
    if bits != 32:
        sparse = [
            float(sparse_bytes_in_flash(*shape, sparsity=sparsity, bits=bits)) for shape in shapes
        ]
        layout = f"sparse {layout}" if sparse[0] < sizes[0] else layout
        sizes = [min(pair) for pair in zip(sizes, sparse, strict=True)]
    others = (hidden + CLASSES) * (BIAS_BYTES[bits] + RESCALING_BYTES[bits])
    return layout, (sum(sizes), float(others), float(CODE_BYTES[layout]))


def ram_needed(layout: str, hidden: int) -> tuple[float, ...]:
    """Return the bytes of RAM by part: the image, hidden sums and scores, and the stack.

    Args:
        layout: Layout of the weights.
        hidden: Number of hidden units.

    >>> ram_needed("sparse int4", 104)
    (784.0, 248.0, 120.0)
    """
    values = VALUE_BYTES.get(layout, 4) * hidden + SCORE_BYTES * CLASSES
    return float(INPUTS), float(values), float(STACK_BYTES)


def compute_fit(
    catalog: Catalog,
    measured: Sequence[MeasuredForm],
    simulation: Simulation | None,
    *,
    bits: int,
    sparsity: float,
    hidden: int,
    device: str,
) -> FitResult:
    """Compute what a network needs, and look up or simulate its accuracy.

    Args:
        catalog: Catalogue with the devices.
        measured: Forms whose accuracy was measured.
        simulation: For all others; ``None`` leaves their accuracy unknown.
        bits: Bits per weight: 4, 8 or 32.
        sparsity: Share of the weights that are 0.
        hidden: Number of hidden units.
        device: Catalogue name of the microcontroller.
    """
    layout, flash = flash_needed(bits, sparsity, hidden)
    ram = ram_needed(layout, hidden)
    chip = catalog.microcontroller(device)
    accuracy, basis = _accuracy(measured, simulation, bits, sparsity, hidden)
    return FitResult(
        device=device,
        device_flash_bytes=chip.flash_bytes,
        device_ram_bytes=chip.ram_bytes,
        layout=layout,
        flash_bytes=flash,
        ram_bytes=ram,
        accuracy=accuracy,
        basis=basis,
        measured=[
            (sum(flash_needed(each.bits, each.sparsity, each.hidden)[1]), each.accuracy)
            for each in measured
        ],
        others={
            name: max(sum(flash) / each.flash_bytes, sum(ram) / each.ram_bytes)
            for name, each in catalog.microcontrollers.items()
        },
    )


def _accuracy(
    measured: Sequence[MeasuredForm],
    simulation: Simulation | None,
    bits: int,
    sparsity: float,
    hidden: int,
) -> tuple[float, Basis]:
    near = [
        each
        for each in measured
        if (each.bits, each.hidden) == (bits, hidden)
        and abs(each.sparsity - sparsity) <= NEAR_SPARSITY
    ]
    if near:
        return max(each.accuracy for each in near), "measured"
    if simulation is None or hidden > simulation.hidden:
        return float("nan"), "unknown"
    return simulation.accuracy(bits, sparsity, hidden), "simulated"


def fit_explorer(
    measured: Sequence[MeasuredForm] = (),
    *,
    model: tuple[Sequence[ArrayLike], ArrayLike, ArrayLike] | None = None,
    catalog: Catalog | None = None,
) -> Explorer[FitResult]:
    """Make the explorer of what fits into which microcontroller.

    Args:
        measured: Forms of a 784-hidden-10 network whose accuracy was measured.
        model: For settings that weren't measured, a trained network of that kind, which is cut
            without retraining: its kernels and biases, such as ``model.get_weights()``; test
            images, shape ``[n, 28, 28]``; and their labels. By default the accuracy is unknown.
        catalog: Microcontrollers; by default the shipped catalogue.

    Raises:
        ValueError: A form's bits aren't 4, 8 or 32, a share is out of range, or a shape differs.
    """
    for form in measured:
        is_known = form.bits in BITS and 0 <= form.sparsity <= 1 and form.hidden >= 1
        if not is_known or not 0 <= form.accuracy <= 1:
            expected = "4, 8 or 32 bits, a hidden unit or more, and shares from 0 to 1"
            raise value_error("measured", received=str(form), expected=expected)
    book = load_catalog() if catalog is None else catalog
    simulation = None if model is None else Simulation(*model)
    widths = {each.hidden for each in measured} | ({simulation.hidden} if simulation else set())
    chips = tuple(book.microcontrollers)
    controls = [
        Stops("bits", "bits per weight", BITS, 8),
        Slider("sparsity", "sparsity", 0.0, 0.99, 0.005, 0.0),
        Stops("hidden", "hidden units", tuple(sorted({*HIDDEN, *widths})), 128),
        Choice("device", "device", chips, "STM32G031K8" if "STM32G031K8" in chips else chips[0]),
    ]
    note = (
        "Flash and RAM are modelled: zeros fall at random, code for a Cortex-M0+. Sizes of devices "
        "are those of data sheets."
    )
    return Explorer(controls, partial(compute_fit, book, measured, simulation), FitView(note))
