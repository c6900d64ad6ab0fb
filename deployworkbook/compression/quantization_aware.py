"""Quantization-aware training: train further with rounded weights, so the model adapts to rounding.

The toolkit, tensorflow-model-optimization, wraps layers: a ``QuantizeConfig`` says which of their
tensors to round, and a ``Quantizer`` how. Its default scheme has 8 bits throughout; this module
adds a quantizer and a configuration for fewer bits.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_quantizer import recipe
from ai_edge_quantizer.quantizer import AlgorithmName
from numpy.typing import NDArray

from deployworkbook.compression.kept import name_of
from deployworkbook.compression.layers import dense_layers
from deployworkbook.compression.litert_quantization import apply_recipe
from deployworkbook.compression.toolkit import as_it_is, tfmot
from deployworkbook.formulas.clipping import mse_optimal_grid
from deployworkbook.formulas.quantization import integer_range
from deployworkbook.ledger.machine import this_machine
from deployworkbook.training.data import Dataset
from deployworkbook.training.fit import STEPS_AT_ONCE, History, fit
from deployworkbook.training.flatbuffer import to_flatbuffer
from deployworkbook.training.keras2 import copy_model, keras, set_seed, tf
from deployworkbook.training.loops import crossentropy
from deployworkbook.training.variant import Variant
from deployworkbook.validation import check_integer, check_number
from deployworkbook.workspace.cache import build_once
from deployworkbook.workspace.folder import current_workspace
from deployworkbook.workspace.notices import Notice, notify

toolkit: Any = tfmot.quantization.keras

# Widths that LiteRT can store, with its recipes for weights that are already on a grid.
STORED = {
    2: recipe.dynamic_wi2c_afp32,
    4: recipe.dynamic_wi4c_afp32,
    8: recipe.dynamic_wi8c_afp32,
}


class LearnedStep(toolkit.quantizers.Quantizer):  # type: ignore[misc]  # the toolkit has no types
    """Rounds weights to whole steps, and learns the size of the step in training.

        w = s · clip(round(v / s), -q, q),  q = 2^(b-1) - 1

    Each output channel has its own step. In the backward pass, rounding counts as the identity (the
    straight-through estimator), so the gradient with respect to s is round(v / s) - v / s within
    the range and ±q beyond it. The trained variable is log s, which keeps s above 0.

    Args:
        num_bits: b, from 2 to 8.

    Source: S. Esser et al., "Learned step size quantization", ICLR 2020.
    """

    def __init__(self, num_bits: int) -> None:
        self.num_bits = check_integer("num_bits", num_bits, 2, 8)

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Add log s to the layer."""
        shape = (*[1] * (len(tensor_shape) - 1), tensor_shape[-1])
        start = keras.initializers.Zeros()
        return {"log_step": layer.add_weight(f"{name}_log_step", shape=shape, initializer=start)}

    def __call__(self, inputs: Any, training: bool, weights: dict[str, Any], **_: Any) -> Any:
        """Round weights to the grid."""
        highest = float(integer_range(self.num_bits, narrow=True)[1])
        step = tf.exp(weights["log_step"])
        clipped = tf.clip_by_value(inputs / step, -highest, highest)
        return step * (clipped + tf.stop_gradient(tf.round(clipped) - clipped))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {"num_bits": self.num_bits}


class KernelConfig(toolkit.QuantizeConfig):  # type: ignore[misc]  # the toolkit has no types
    """Rounds a layer's kernel, but not its bias and its activations.

    Args:
        num_bits: Bits per weight, from 2 to 8.
    """

    def __init__(self, num_bits: int) -> None:
        self.num_bits = num_bits

    def get_weights_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        """Return the kernel and its quantizer."""
        return [(layer.kernel, LearnedStep(self.num_bits))]

    def get_activations_and_quantizers(self, layer: Any) -> list[tuple[Any, Any]]:
        """Return none."""
        return []

    def set_quantize_weights(self, layer: Any, quantize_weights: list[Any]) -> None:
        """Set the rounded kernel for the layer to compute with."""
        (layer.kernel,) = quantize_weights

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:
        """Do nothing, because no activation is rounded."""

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        """Return none."""
        return []

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {"num_bits": self.num_bits}


@dataclass(frozen=True)
class Aware:
    """Result of quantization-aware training.

    Args:
        variant: The LiteRT file.
        history: Losses and accuracies per epoch.
        seconds: Duration of the training, on the machine that trained it.
        distance: Largest difference between a weight in the file and in training, in steps of its
            grid; ``None`` at 8 bits, where the converter uses the toolkit's grids.
        machine: The machine that trained it; another one if somebody shared the result.
    """

    variant: Variant
    history: History
    seconds: float
    distance: float | None
    machine: str = field(default_factory=lambda: str(this_machine()))


def train_aware(
    model: Any,
    dataset: Dataset,
    *,
    bits: int = 8,
    epochs: int = 6,
    batch_size: int = 128,
    learning_rate: float = 0.002,
    seed: int = 0,
) -> Aware:
    """Train a model further with rounded weights, and write it as a LiteRT file.

    At 8 bits the toolkit's default scheme rounds weights and activations, and the file computes in
    int8. With fewer bits, ``LearnedStep`` rounds the kernels, and LiteRT rounds activations to int8
    while it computes. LiteRT stores 2, 4 and 8 bits: integers of 3 bits are stored in 4, and
    integers of 5, 6 and 7 bits in 8.

    Args:
        model: A trained Keras model that outputs probabilities; not changed.
        dataset: The data; the validation set determines which epoch is kept.
        bits: Bits per weight, from 2 to 8.
        epochs: Passes over the training set.
        batch_size: Images per step.
        learning_rate: Adam's initial η; it falls to 0 along half a cosine.
        seed: Seed of the shuffling and the dropout.

    Returns:
        The file, and its training.

    Raises:
        ValueError: A number is out of range.
    """
    check_integer("bits", bits, 2, 8)
    steps = check_integer("epochs", epochs, 1) * -(
        -len(dataset.train) // check_integer("batch_size", batch_size, 1)
    )
    rate = check_number("learning_rate", learning_rate, 0, 10, open_low=True)
    set_seed(seed)
    wrap = as_it_is(
        toolkit.quantize_model if bits == 8 else partial(_with_learned_steps, bits=bits)
    )
    aware = wrap(model)
    aware.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)),
        loss=crossentropy,
        metrics=["accuracy"],
        steps_per_execution=STEPS_AT_ONCE,
    )
    start = time.perf_counter()
    # The rate falls to 0 at the end, so a worse epoch in between is no reason to stop.
    history = fit(aware, dataset, epochs=epochs, batch_size=batch_size, patience=epochs)
    seconds = time.perf_counter() - start
    note = f"learned for {epochs} epochs with weights of {bits} bits"
    if bits == 8:
        content = to_flatbuffer(aware, quantizers=True)
        return Aware(Variant("qat-int8", flatbuffer=content, note=note), history, seconds, None)
    settled = _settled(model, aware)
    stored = next(width for width in STORED if width >= bits)
    rules = STORED[stored](algorithm_key=AlgorithmName.DEQUANTIZED_WEIGHT_RECOVERY)
    content = apply_recipe(to_flatbuffer(settled), rules)
    if stored != bits:
        note += f", stored in {stored}"
    variant = Variant(f"qat-int{bits}", flatbuffer=content, note=note)
    return Aware(variant, history, seconds, _distance(settled, content))


def train_aware_once(
    model: Any,
    dataset: Dataset,
    *,
    folder: Path | None = None,
    notice: Notice = notify,
    **options: Any,
) -> Aware:
    """Return the result of ``train_aware``: from the cache, or made now and cached.

    Args:
        model: A trained Keras model that outputs probabilities; not changed.
        dataset: The data.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.
        options: Options of ``train_aware``.
    """

    def build(target: Path) -> None:
        made = train_aware(model, dataset, **options)
        (target / "variant.tflite").write_bytes(made.variant.flatbuffer or b"")
        record = {
            "name": made.variant.name,
            "note": made.variant.note,
            "history": asdict(made.history),
            "seconds": made.seconds,
            "distance": made.distance,
            "machine": made.machine,
        }
        (target / "aware.json").write_text(json.dumps(record))

    def load(source: Path) -> Aware:
        record = json.loads((source / "aware.json").read_text())
        content = (source / "variant.tflite").read_bytes()
        return Aware(
            Variant(record["name"], flatbuffer=content, note=record["note"]),
            History(**{name: tuple(values) for name, values in record["history"].items()}),
            record["seconds"],
            record["distance"],
            record["machine"],
        )

    place = folder or current_workspace().models
    name = name_of(train_aware, model, dataset, options)
    made, _ = build_once(place / name, build=build, load=load, notice=notice)
    return made


def _with_learned_steps(model: Any, bits: int) -> Any:
    """Wrap a model's layers that have kernels; start with the steps of least rounding error."""

    def annotate(layer: Any) -> Any:
        copy = layer.__class__.from_config(layer.get_config())
        if not hasattr(layer, "kernel"):
            return copy
        return toolkit.quantize_annotate_layer(copy, quantize_config=KernelConfig(bits))

    annotated = keras.models.clone_model(model, clone_function=annotate)
    annotated.set_weights(model.get_weights())
    with toolkit.quantize_scope({"KernelConfig": KernelConfig, "LearnedStep": LearnedStep}):
        aware = toolkit.quantize_apply(annotated)
    for _, kernel, _, weights in _rounded(aware):
        grid = mse_optimal_grid(kernel.numpy(), bits=bits, scheme="symmetric", axis=-1)
        weights["log_step"].assign(np.log(grid.scale))
    return aware


def _rounded(aware: Any) -> list[tuple[Any, Any, Any, dict[str, Any]]]:
    """Return each rounded kernel's layer, variable, quantizer and the quantizer's variables."""
    return [
        (wrapper.layer, *rest)
        for wrapper in aware.layers
        for rest in getattr(wrapper, "_weight_vars", ())
    ]


def _settled(model: Any, aware: Any) -> Any:
    """Copy a model with rounded kernels in place of its own."""
    weights: list[NDArray[np.float32]] = []
    for layer, kernel, quantizer, learnt in _rounded(aware):
        weights.append(quantizer(kernel, False, learnt).numpy())
        if layer.use_bias:
            weights.append(layer.bias.numpy())
    return copy_model(model, weights)


def _distance(settled: Any, content: bytes) -> float:
    kernels = [layer.kernel.numpy() for layer in settled.layers if hasattr(layer, "kernel")]
    distances = [
        np.abs(layer.kernel - kernel) / layer.weight_grid.scale
        for layer, kernel in zip(dense_layers(content), kernels, strict=True)
        if layer.weight_grid is not None
    ]
    return float(max(each.max() for each in distances))
