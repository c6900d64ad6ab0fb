"""The catalogue's entries for language models: accelerators, models, prices and measured rates."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from deployworkbook.costs.prices.entries import Source
from deployworkbook.costs.units import GIB
from deployworkbook.formulas.transformer_shape import TransformerShape, parameter_count

AcceleratorKind = Literal["gpu", "tpu"]


@dataclass(frozen=True)
class Accelerator:
    """A GPU or TPU chip, by its data sheet; what it costs depends on the machine it is in.

    Args:
        name: Name in the catalogue; machines name it as their processor.
        kind: ``gpu`` or ``tpu``.
        memory_gib: Memory of a device.
        memory_gb_per_s: Bandwidth of its memory, 10⁹ bytes per second.
        dense_16bit_tflops: Peak of dense 16-bit matrix products, 10¹² operations per second, of
            which a multiplication and its addition are two; without the doubling of 2:4 sparsity.
        dense_8bit_tflops: The same in 8 bits, integers or floating point.
        dense_4bit_tflops: The same in 4 bits; that of 8 bits where the chip has no faster one.
        power_watts: Power at full load; 0 if unpublished.
        source: Source of these figures.
    """

    name: str
    kind: AcceleratorKind
    memory_gib: float
    memory_gb_per_s: float
    dense_16bit_tflops: float
    dense_8bit_tflops: float
    dense_4bit_tflops: float
    power_watts: float
    source: Source

    def operations_per_s(self, bits: int) -> float:
        """Return the peak of dense matrix products in 16, 8 or 4 bits, operations per second."""
        peaks = {16: self.dense_16bit_tflops, 8: self.dense_8bit_tflops, 4: self.dense_4bit_tflops}
        return peaks[bits] * 1e12

    @property
    def memory_bytes(self) -> float:
        """Memory of a device in bytes."""
        return self.memory_gib * GIB

    @property
    def bytes_per_s(self) -> float:
        """Bandwidth of its memory in bytes per second."""
        return self.memory_gb_per_s * 1e9


@dataclass(frozen=True)
class AcceleratorMachine:
    """A machine with one or more accelerators, which is rented as a whole.

    Args:
        name: The provider's name for it.
        accelerator: Kind of its devices.
        devices: Number of devices.
        price_usd_per_hour: On-demand price of the machine.
        source: Source of the price.
    """

    name: str
    accelerator: Accelerator
    devices: int
    price_usd_per_hour: float
    source: Source


@dataclass(frozen=True)
class LanguageModel:
    """An open language model: the sizes of its weights, as its configuration states them.

    Args:
        name: Name in the catalogue.
        layers: Layers.
        width: Numbers that stand for a token between layers.
        heads: Query heads.
        kv_heads: Heads of keys and values.
        hidden: Width of an MLP's hidden layer; with several experts, of each.
        vocabulary: Different tokens.
        context: Most positions that a sequence may have.
        source: Source of these sizes.
        head_width: Width of a head; 0 for ``width / heads``.
        experts: MLPs per layer.
        active_experts: MLPs per layer that a token passes through.
    """

    name: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    hidden: int
    vocabulary: int
    context: int
    source: Source
    head_width: int = 0
    experts: int = 1
    active_experts: int = 1

    @property
    def shape(self) -> TransformerShape:
        """Its sizes, for the formulas."""
        sizes = {each.name: getattr(self, each.name) for each in fields(self)}
        return TransformerShape(**{k: v for k, v in sizes.items() if k not in {"name", "source"}})

    @property
    def parameters(self) -> int:
        """Number of its weights."""
        return parameter_count(self.shape)


@dataclass(frozen=True)
class TokenPrice:
    """What an API charges for the tokens of a model.

    Args:
        name: Name in the catalogue.
        model: The model that answers.
        prompt_usd_per_million: Price of a million tokens of prompts.
        answer_usd_per_million: Price of a million tokens of answers.
        source: Source of the prices.
    """

    name: str
    model: LanguageModel
    prompt_usd_per_million: float
    answer_usd_per_million: float
    source: Source


@dataclass(frozen=True)
class TokenRate:
    """A published measurement: how many tokens of answers a model wrote per second.

    Args:
        name: Name in the catalogue.
        model: The model.
        accelerator: Kind of the devices.
        devices: Devices that shared the model's weights.
        weight_bits: Bits per weight, scales included.
        compute_bits: Bits in which the products were computed.
        cache_bits: Bits per number of the cache of keys and values.
        prompt_tokens: Tokens of each prompt.
        answer_tokens: Tokens of each answer.
        sequences: Answers in progress at once; 0 for as many as fit into the memory.
        answer_tokens_per_s: Tokens of answers per second, of all devices together.
        source: Source of the measurement.
    """

    name: str
    model: LanguageModel
    accelerator: Accelerator
    devices: int
    weight_bits: float
    compute_bits: int
    cache_bits: float
    prompt_tokens: int
    answer_tokens: int
    sequences: int
    answer_tokens_per_s: float
    source: Source
