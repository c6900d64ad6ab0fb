"""How well a model predicts text: bits per byte on modules that it never saw."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deployworkbook.formulas.intervals import mean_interval
from deployworkbook.training.vocabulary import Vocabulary
from deployworkbook.validation import check_integer, value_error

Logits = Callable[[NDArray[np.int64]], NDArray[np.float32]]

# Windows per call: enough for large products, few enough for little memory.
BATCH = 16


@dataclass(frozen=True)
class TextQuality:
    """Bits that a model needs for held-out text, by module.

    Args:
        bits: Of each module, by name.
        sizes: Bytes of each module that were predicted, by name.
    """

    bits: Mapping[str, float]
    sizes: Mapping[str, int]

    @property
    def bits_per_byte(self) -> float:
        """Bits of all modules divided by their bytes: 8 for a model that knows nothing."""
        return sum(self.bits.values()) / sum(self.sizes.values())

    def interval(self, *, confidence: float = 0.95) -> tuple[float, float]:
        """Bound the bits per byte of other modules like these (W. G. Cochran, 1977, chapter 6).

        The modules are the sample: bytes of one module are too much alike to count each by itself.

        Args:
            confidence: How often such an interval contains the true ratio, in (0, 1).

        Returns:
            The lower and the upper end.
        """
        return _ratio_interval(self.bits, self.sizes, confidence)

    def loss_against(
        self, other: TextQuality, *, confidence: float = 0.95
    ) -> tuple[float, tuple[float, float]]:
        """Return how many bits per byte more this model needs than another, with an interval.

        Both predicted the same modules, so what makes a module hard for both cancels.

        Args:
            other: Quality of the other model, such as the one before quantization.
            confidence: How often such an interval contains the true difference, in (0, 1).

        Returns:
            The difference, and the lower and the upper end of its interval.

        Raises:
            ValueError: They predicted different text.
        """
        if self.sizes != other.sizes:
            raise value_error(
                "other",
                received=f"{sum(other.sizes.values())} bytes of {len(other.sizes)} modules",
                expected=f"the same text, {sum(self.sizes.values())} bytes of {len(self.sizes)}",
            )
        more = {name: self.bits[name] - other.bits[name] for name in self.bits}
        difference = sum(more.values()) / sum(self.sizes.values())
        return difference, _ratio_interval(more, self.sizes, confidence)


def measure_quality(
    logits: Logits,
    vocabulary: Vocabulary,
    modules: Mapping[str, bytes],
    *,
    context: int,
    module_bytes: int = 8_000,
) -> TextQuality:
    """Measure how many bits a model needs for each byte of some modules.

        bits = -Σ log₂ p(token | the tokens before it in its window)

    Text is cut into windows of ``context`` tokens, of which the first is given and not predicted.
    Tokens differ in length, so the bits of a token would depend on the vocabulary; those of a byte
    don't.

    Args:
        logits: From tokens ``[batch, n]`` to the logits after each of them, shape
            ``[batch, n, vocabulary]``.
        vocabulary: The model's.
        modules: Held-out text by module.
        context: Tokens per window that the model sees.
        module_bytes: Bytes of each module to predict, at most: its beginning. Modules too short
            for a window are left out.

    Returns:
        Bits and bytes per module.

    Raises:
        ValueError: No module is long enough.
    """
    check_integer("context", context, 1)
    check_integer("module_bytes", module_bytes, 1)
    windows, owners = [], []
    for name, text in modules.items():
        tokens = vocabulary.encode(text[:module_bytes])
        count = (len(tokens) - 1) // context
        starts = np.arange(count)[:, None] * context
        windows.append(tokens[starts + np.arange(context + 1)])
        owners += [name] * count
    if not owners:
        raise value_error(
            "modules",
            received=f"{len(modules)} modules",
            expected=f"at least one of more than {context} tokens",
        )
    every = np.concatenate(windows)
    bits = np.concatenate(
        [
            _window_bits(logits(part[:, :-1]), part[:, 1:])
            for part in np.split(every, range(BATCH, len(every), BATCH))
        ]
    )
    sizes = vocabulary.lengths[every[:, 1:]].sum(axis=1)
    names = np.array(owners)
    return TextQuality(
        {name: float(bits[names == name].sum()) for name in dict.fromkeys(owners)},
        {name: int(sizes[names == name].sum()) for name in dict.fromkeys(owners)},
    )


def _window_bits(logits: NDArray[np.float32], tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    # The exponentials stay in the logits' precision, which is a third of the time in float32.
    z = np.asarray(logits)
    highest = z.max(axis=-1, keepdims=True)
    total = np.log(np.exp(z - highest).sum(axis=-1), dtype=np.float64)
    chosen = np.take_along_axis(z, tokens[..., None], axis=-1) - highest
    return np.asarray((total - chosen[..., 0]).sum(axis=-1) / math.log(2))


def _ratio_interval(
    bits: Mapping[str, float], sizes: Mapping[str, int], confidence: float
) -> tuple[float, float]:
    """Bound Σ bits / Σ sizes by what each module contributes to it."""
    size = np.array([sizes[name] for name in bits], np.float64)
    amount = np.array(list(bits.values()))
    ratio = amount.sum() / size.sum()
    return mean_interval(ratio + (amount - ratio * size) / size.mean(), confidence=confidence)
