"""Small decoders with random weights."""

import numpy as np

from deployworkbook.formulas.transformer import random_weights
from deployworkbook.formulas.transformer_shape import TransformerShape

SIZES = {
    "layers": 2,
    "width": 32,
    "heads": 4,
    "kv_heads": 4,
    "hidden": 64,
    "vocabulary": 48,
    "context": 24,
}
SHAPE = TransformerShape(**SIZES, family="gpt2")
GROUPED = TransformerShape(**SIZES | {"kv_heads": 2}, family="gpt2")
TIED = TransformerShape(**SIZES, family="gpt2", tied=True)


def weights_of(shape):
    """Random weights, of a size at which attention and biases matter."""
    draw = np.random.default_rng(1)
    return {
        name: (
            (4 if value.ndim == 2 else 1) * value + 0.05 * draw.standard_normal(value.shape)
        ).astype(np.float32)
        for name, value in random_weights(shape).items()
    }
