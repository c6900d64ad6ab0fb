"""Post-training quantization: store a trained model in fewer bits, without training again.

AI Edge Quantizer rewrites a float32 LiteRT file by a recipe. The result is a LiteRT file with a
scale per channel of each weight tensor.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import qtyping, recipe
from ai_edge_quantizer.quantizer import AlgorithmName, Quantizer
from numpy.typing import NDArray

from deployworkbook.compression.channel_scales import with_usable_scales
from deployworkbook.runtimes.base import check_images
from deployworkbook.training.data import Split
from deployworkbook.training.flatbuffer import to_flatbuffer
from deployworkbook.training.notes import LITERT_NOTE, held_back
from deployworkbook.training.variant import Variant
from deployworkbook.validation import check_choice, check_integer, describe, value_error

Rules = list[dict[str, Any]]


@dataclass(frozen=True)
class Technique:
    """One way to store a model in fewer bits.

    Args:
        recipe: Function that returns AI Edge Quantizer's recipe.
        bits: Bits per stored weight.
        what: Short description.
        calibrates: Whether it needs images, to find the range of the activations.
    """

    recipe: Callable[[], Rules]
    bits: int
    what: str
    calibrates: bool = False


def _float16() -> Rules:
    stored = qtyping.TensorQuantizationConfig(16, dtype=qtyping.TensorDataType.FLOAT)
    config = qtyping.OpQuantizationConfig(
        weight_tensor_config=stored,
        compute_precision=qtyping.ComputePrecision.FLOAT,
        explicit_dequantize=True,
    )
    rule = {"regex": ".*", "operation": "*", "algorithm_key": AlgorithmName.FLOAT_CASTING}
    return [rule | {"op_config": config.to_dict()}]


TECHNIQUES: dict[str, Technique] = {
    "float16": Technique(_float16, 16, "weights in float16, computed in float32"),
    "int8-weights": Technique(
        recipe.weight_only_wi8_afp32, 8, "weights in int8, turned into float32 to compute"
    ),
    "int8-dynamic": Technique(
        recipe.dynamic_wi8_afp32, 8, "weights in int8, activations in int8 while it computes"
    ),
    "int8-full": Technique(
        recipe.static_wi8_ai8, 8, "weights, activations, input and output in int8", calibrates=True
    ),
    "int4": Technique(
        recipe.dynamic_wi4_afp32, 4, "weights in 4 bits, activations in int8 while it computes"
    ),
    "int2": Technique(
        recipe.dynamic_wi2c_afp32, 2, "weights in 2 bits, activations in int8 while it computes"
    ),
    "int2-clipped": Technique(
        lambda: recipe.dynamic_wi2c_afp32(algorithm_key=AlgorithmName.OCTAV),
        2,
        "weights in 2 bits, the largest of them clipped",
    ),
}


def quantize(
    model: Any,
    technique: str,
    *,
    images: NDArray[np.float32] | None = None,
) -> Variant:
    """Store a trained model in fewer bits.

    Args:
        model: A Keras model, or the content of a float32 LiteRT file.
        technique: One of ``TECHNIQUES``.
        images: For ``"int8-full"``: training images, float32 of shape ``[n, 28, 28]``, whose
            activations set the ranges. Never test images, which would make the accuracy too
            optimistic.

    Returns:
        A LiteRT file with the technique's name, which any LiteRT interpreter runs.

    Raises:
        ValueError: The technique is unknown, or the images are missing, misshapen or not needed.

    Source: OCTAV is C. Sakr et al., "Optimal clipping and magnitude-aware differentiation for
    improved quantization-aware training", ICML 2022.
    """
    chosen = TECHNIQUES[check_choice("technique", technique, TECHNIQUES)]
    note = calibration_note(technique, chosen.what, calibrates=chosen.calibrates, images=images)
    content = model if isinstance(model, bytes) else to_flatbuffer(model)
    return Variant(
        technique,
        flatbuffer=apply_recipe(content, chosen.recipe(), images=images),
        note=note,
    )


def calibration_note(
    technique: str, what: str, *, calibrates: bool, images: NDArray[np.float32] | None
) -> str:
    """Check the images that a technique gets, and return a note on how the variant was made.

    Args:
        technique: Name of the technique.
        what: Short description.
        calibrates: Whether it needs images.
        images: float32 of shape ``[n, 28, 28]``, or none.

    Raises:
        ValueError: The images are missing, misshapen or not needed.
    """
    if not calibrates:
        if images is not None:
            expected = f"none for {technique!r}, which does not calibrate"
            raise value_error("images", received=describe(images), expected=expected)
        return what
    if images is None:
        raise value_error(
            "images",
            received="none",
            expected="training images to calibrate on",
            remedy="Pass calibration_images(dataset.train).",
        )
    return f"{what}; calibrated on {len(check_images(images)):,} images"


def calibration_images(split: Split, *, count: int = 500, seed: int = 0) -> NDArray[np.float32]:
    """Draw images to calibrate on, without replacement.

    Args:
        split: The training set.
        count: Number of images.
        seed: Seed of the draw.

    Raises:
        ValueError: There are fewer images than that.
    """
    check_integer("count", count, 1, len(split))
    drawn = np.random.default_rng(seed).choice(len(split), size=count, replace=False)
    return split.images[np.sort(drawn)]


def apply_recipe(
    content: bytes, rules: Rules, *, images: NDArray[np.float32] | None = None
) -> bytes:
    """Rewrite a float32 LiteRT file by a recipe of AI Edge Quantizer, without output.

    Args:
        content: Content of the file.
        rules: The recipe.
        images: Images to calibrate on, all in one batch: each activation's range then goes from its
            smallest to its largest value, whatever the order of the images.

    Returns:
        Content of the new file.
    """
    quantizer = Quantizer(content, rules)
    ranges = None
    # The library shows a progress bar, and warns about the memory for keeping activations.
    with (
        held_back(LITERT_NOTE),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", ".*preserve_all_tensors", UserWarning)
        if images is not None:
            ((signature, ends),) = Interpreter(model_content=content).get_signature_list().items()
            batch = {ends["inputs"][0]: images}
            ranges = quantizer.calibrate({signature: [batch]}, num_threads=1)
        # A channel of zeros has a scale of 0 at first, by which the library divides.
        with np.errstate(divide="ignore", invalid="ignore"):
            result = quantizer.quantize(ranges, enable_progress_report=False)
    return with_usable_scales(bytes(result.quantized_model), content)
