"""A language model with random weights, and text for it."""

from pathlib import Path

import numpy as np

from deployworkbook.formulas.transformer import random_weights
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.training.language import LanguageModel
from deployworkbook.training.vocabulary import learn_vocabulary

OWN = Path(__file__).with_name("test_decoder_blocks.py").read_bytes()
TEXT = {"one": OWN, "two": OWN[::-1]}


def random_coder() -> LanguageModel:
    """A model with random weights, in which attention and MLP matter."""
    shape = TransformerShape(
        layers=2,
        width=32,
        heads=2,
        kv_heads=2,
        hidden=64,
        vocabulary=300,
        context=32,
        family="gpt2",
    )
    weights = {
        name: 5 * array if array.ndim == 2 else array
        for name, array in random_weights(shape).items()
    }
    return LanguageModel(
        shape, weights, learn_vocabulary(OWN, 300), "random", (), 0.0, "2026", is_new=False
    )


def some_tokens(model: LanguageModel) -> np.ndarray:
    """Eight windows of text."""
    return model.vocabulary.encode(OWN)[: 8 * 32].reshape(8, 32)


def error_of(model, other, tokens) -> float:
    """How far another model's logits are from a model's, squared."""
    return float(np.square(model(tokens) - other(tokens)).mean())
