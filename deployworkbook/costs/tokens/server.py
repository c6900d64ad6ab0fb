"""A language model's server: a model on one or more devices, in a precision, for a batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from deployworkbook.costs.prices.catalog import Catalog
from deployworkbook.costs.prices.token_entries import Accelerator, LanguageModel
from deployworkbook.formulas.token_costs import largest_batch
from deployworkbook.formulas.token_costs import weight_bytes as bytes_of_weights
from deployworkbook.validation import check_choice, check_integer, check_number, value_error


@dataclass(frozen=True)
class Precision:
    """How weights are stored, and in how many bits their products are computed.

    Args:
        weight_bits: Bits per weight, scales included.
        compute_bits: Bits in which the devices compute: 16, 8 or 4.
    """

    weight_bits: float
    compute_bits: int


# By the name that users give: bits per weight. Eight bits are FP8 or int8, for activations, too.
# Four bits have a 16-bit scale per 32 weights, and are unpacked to 16 bits for computing, as nearly
# all kernels do.
PRECISIONS: Mapping[int, Precision] = MappingProxyType(
    {16: Precision(16.0, 16), 8: Precision(8.0, 8), 4: Precision(4.5, 16)}
)


@dataclass(frozen=True)
class TokenServer:
    """A language model on devices that share its weights.

    Args:
        model: The model.
        accelerator: Kind of the devices.
        devices: Number of devices that a model is divided among (tensor parallelism).
        precision: How weights are stored and computed with; a number of bits stands for one of
            ``PRECISIONS``.
        batch: Answers in progress at once, at most.
        cache_bits: Bits per number of the cache of keys and values: 16, or 8 for a quantized one.
        prompt_tokens_per_step: Tokens of prompts that a step reads at most, while the answers in
            progress wait.

    Raises:
        TypeError: A count isn't whole.
        ValueError: A number is out of range, or the precision has no such name.
    """

    model: LanguageModel
    accelerator: Accelerator
    devices: int = 1
    precision: Precision = PRECISIONS[16]
    batch: int = 1
    cache_bits: float = 16.0
    prompt_tokens_per_step: int = 512

    def __post_init__(self) -> None:
        check_integer("devices", self.devices, 1, 1024)
        check_integer("batch", self.batch, 1, 1_000_000)
        check_integer("prompt_tokens_per_step", self.prompt_tokens_per_step, 1)
        check_number("cache_bits", self.cache_bits, 1, 32)

    @property
    def weight_bytes(self) -> float:
        """Bytes of all weights."""
        shape, bits = self.model.shape, self.precision.weight_bits
        return float(bytes_of_weights(shape, weight_bits=bits))

    def memory_bytes(self, catalog: Catalog) -> float:
        """Return the bytes that weights and caches may take, of all devices together."""
        share = catalog.value("accelerator_memory_share")
        return self.devices * self.accelerator.memory_bytes * share

    def largest_batch(self, tokens: float, catalog: Catalog) -> int:
        """Return how many answers fit into the memory, of so many tokens with their prompts."""
        context = self.model.context
        if tokens > context:
            raise value_error(
                "tokens",
                received=f"{tokens:g} of prompt and answer",
                expected=f"at most the context of {self.model.name}, {context:,}",
            )
        found = largest_batch(
            self.model.shape,
            memory_bytes=self.memory_bytes(catalog),
            tokens=tokens,
            weight_bits=self.precision.weight_bits,
            cache_bits=self.cache_bits,
        )
        return int(found)


def precision_of(bits: int) -> Precision:
    """Return the precision that a number of bits per weight stands for.

    Raises:
        ValueError: There is none.

    >>> precision_of(4)
    Precision(weight_bits=4.5, compute_bits=16)
    """
    return PRECISIONS[check_choice("bits", bits, PRECISIONS)]
