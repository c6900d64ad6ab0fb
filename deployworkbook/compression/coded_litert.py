"""Turn a coded network into a LiteRT file, which servers take.

The coded file is for the way to a device: no server runs it as it is. What a server loads is the
LiteRT file with the same whole numbers.
"""

from __future__ import annotations

from deployworkbook.compression.coded_file import BUDGET_BYTES, decode_network
from deployworkbook.compression.lean import lean_flatbuffer
from deployworkbook.compression.weight_coding import BITS
from deployworkbook.training.keras2 import keras


def coded_flatbuffer(content: bytes, *, budget_bytes: int = BUDGET_BYTES) -> bytes:
    """Decode a coded network to a LiteRT file.

    Args:
        content: What ``encode_network`` returned.
        budget_bytes: The memory that decoding may take at most.

    Returns:
        Content of a LiteRT file that has the coded network's weights and biases, stored in 4 bits
        per weight. LiteRT rounds what flows between the layers to 8 bits, which NumPy doesn't.

    Raises:
        ValueError: As ``decode_network``; or it takes no images of 28×28 pixels.
    """
    layers = decode_network(content, budget_bytes=budget_bytes)
    *hidden, last = layers
    model = keras.Sequential(
        [
            keras.layers.Flatten(input_shape=(28, 28)),
            *(keras.layers.Dense(len(layer.bias), activation="relu") for layer in hidden),
            keras.layers.Dense(len(last.bias), activation="softmax"),
        ]
    )
    model.set_weights([array for layer in layers for array in (layer.kernel, layer.bias)])
    return lean_flatbuffer(model, bits=BITS)
