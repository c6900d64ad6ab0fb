"""A decoder as a SavedModel, for a server: from a text's tokens to the logits of the next one.

It keeps nothing between two calls, as any model behind TensorFlow Serving's API. So each call gets
the whole text, and computes the keys and values of all of its tokens again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.training.decoder_training import decoder_logits
from deployworkbook.training.keras2 import tf

INPUT, OUTPUT = "tokens", "logits"


def write_decoder(
    shape: TransformerShape, weights: Mapping[str, NDArray[np.float32]], folder: Path
) -> None:
    """Write a decoder as a SavedModel whose signature ``serving_default`` predicts a token.

    The signature takes ``tokens``, int32 of shape ``[batch, length]`` with any two sizes, and
    returns ``logits``, float32 of shape ``[batch, vocabulary]``, after the last position. It
    refuses texts without tokens, longer than the context, and tokens that don't exist.

    Args:
        shape: A decoder of the family ``"gpt2"``.
        weights: Arrays by name.
        folder: An empty folder, or one that is created.
    """
    module = tf.Module()
    module.weights = {
        name: tf.Variable(value, trainable=False, name=name.replace(".", "_"))
        for name, value in weights.items()
    }

    signature = [tf.TensorSpec((None, None), tf.int32, name=INPUT)]

    @tf.function(input_signature=signature, autograph=False)  # type: ignore[untyped-decorator]
    def predict(tokens: Any) -> dict[str, Any]:
        with tf.control_dependencies(_checks(shape, tokens)):
            known = tf.identity(tokens)
        return {OUTPUT: decoder_logits(shape, module.weights, known, last_only=True)}

    tf.saved_model.save(module, folder, {tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY: predict})


def _checks(shape: TransformerShape, tokens: Any) -> list[Any]:
    """Return operations that refuse what the decoder can't read, and say what it can."""
    length, most = tf.shape(tokens)[1], shape.vocabulary - 1
    ends = tf.stack([tf.reduce_min(tokens), tf.reduce_max(tokens)])
    size = f"{INPUT}: expected 1 to {shape.context} in a text; received"
    values = f"{INPUT}: expected whole numbers from 0 to {most}; smallest and largest received"
    return [
        tf.debugging.Assert((length >= 1) & (length <= shape.context), [size, length]),
        tf.debugging.Assert(tf.reduce_all((tokens >= 0) & (tokens <= most)), [values, ends]),
    ]
