"""An int8 model that TensorFlow can serve: stored as integers, computed with in floating point.

A LiteRT file cannot become a SavedModel, and TensorFlow has no int8 kernel for a dense layer on a
CPU. A SavedModel can still store its weights as integers: it takes a quarter of the bytes, but each
call pays for the conversion to floating point.
"""

from __future__ import annotations

from typing import Any

from deployworkbook.compression.pruning import check_perceptron
from deployworkbook.formulas.clipping import fit_grid
from deployworkbook.formulas.quantization import quantize
from deployworkbook.training.keras2 import keras, tf
from deployworkbook.training.variant import Variant

BITS = 8


class IntegerDense(keras.layers.Layer):  # type: ignore[misc]  # Keras 2 has no types
    """A dense layer with an int8 kernel and a scale per output.

        y = activation((x q) s + b)

    Args:
        units: Number of outputs.
        activation: Activation, as for any Keras layer.
        kwargs: Other arguments of a Keras layer.
    """

    def __init__(self, units: int, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """Create the kernel, its scales and the bias."""
        inputs = int(input_shape[-1])
        self.kernel = self.add_weight(
            "kernel", (inputs, self.units), "int8", "zeros", trainable=False
        )
        self.scale = self.add_weight("scale", (self.units,), "float32", "ones")
        self.bias = self.add_weight("bias", (self.units,), "float32", "zeros")
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Map inputs ``[n, inputs]`` to outputs ``[n, units]``."""
        # Scale the sums rather than the kernel, which takes far fewer multiplications.
        sums = tf.matmul(inputs, tf.cast(self.kernel, tf.float32))
        return self.activation(sums * self.scale + self.bias)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal layer."""
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "units": self.units, "activation": activation}


def with_stored_integers(model: Any) -> Variant:
    """Return a perceptron with its kernels as int8, each output on its own symmetric grid.

    Args:
        model: A Keras model of dense layers; not changed.

    Returns:
        A Keras model whose SavedModel takes a quarter of the bytes.

    Raises:
        ValueError: The model has other layers than a perceptron.
    """
    check_perceptron(model)

    def stored(layer: Any) -> Any:
        config = layer.get_config()
        if not isinstance(layer, keras.layers.Dense):
            return type(layer).from_config(config)
        return IntegerDense(layer.units, activation=config["activation"], name=layer.name)

    copy = keras.models.clone_model(model, clone_function=stored)
    for old, new in zip(model.layers, copy.layers, strict=True):
        if isinstance(new, IntegerDense):
            kernel, bias = old.get_weights()
            grid = fit_grid(kernel, bits=BITS, scheme="symmetric", axis=-1)
            new.kernel.assign(quantize(kernel, grid))
            new.scale.assign(grid.scale.ravel())
            new.bias.assign(bias)
    note = "weights in int8, converted to float32 in each call"
    return Variant("int8", model=copy, note=note)
