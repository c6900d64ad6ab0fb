"""The shape of a transformer: which weights a decoder has, and how many.

The shape decides what a language model costs. Two families of decoders are described:

- ``"llama"``: rotary positions, root-mean-square norms, a gated MLP, no biases. Llama, Mistral and
  Qwen have it, and with several experts Mixtral.
- ``"gpt2"``: learned positions, layer norms, an MLP with GELU, a bias for every matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Literal

from deployworkbook.validation import check_choice, check_integer, check_number, value_error

Family = Literal["llama", "gpt2"]
FAMILIES: tuple[Family, ...] = ("llama", "gpt2")


@dataclass(frozen=True, kw_only=True)
class TransformerShape:
    """The sizes of a decoder.

    Args:
        layers: L, number of layers.
        width: d, numbers that stand for one token between layers.
        heads: h, query heads; a whole multiple of ``kv_heads``.
        kv_heads: g, heads of keys and values: h in multi-head attention, 1 in multi-query, between
            them in grouped-query attention.
        hidden: f, width of the MLP's hidden layer.
        vocabulary: V, number of different tokens.
        context: Most positions that a sequence may have.
        head_width: e, width of a head; 0, the default, stands for d / h.
        family: ``"llama"`` or ``"gpt2"``.
        tied: Whether the embedding is the output matrix, too.
        attention_biases: Whether queries, keys and values have biases, as in Qwen2; always so in
            ``"gpt2"``.
        experts: E, number of MLPs per layer, of which a router chooses for each token.
        active_experts: k, number of MLPs that a token passes through.
        rotary_base: b of ``rotary.rotate``.
        norm_epsilon: ε of the norms.

    Raises:
        ValueError: A number is out of range, or the heads don't fit each other.

    >>> shape = TransformerShape(
    ...     layers=2, width=8, heads=4, kv_heads=2, hidden=16, vocabulary=50, context=32
    ... )
    >>> shape.head_width, shape.query_width, shape.kv_width
    (2, 8, 4)
    """

    layers: int
    width: int
    heads: int
    kv_heads: int
    hidden: int
    vocabulary: int
    context: int
    head_width: int = 0
    family: Family = "llama"
    tied: bool = False
    attention_biases: bool = False
    experts: int = 1
    active_experts: int = 1
    rotary_base: float = 10_000.0
    norm_epsilon: float = 1e-5

    def __post_init__(self) -> None:
        for name in ("layers", "width", "heads", "kv_heads", "hidden", "vocabulary", "context"):
            check_integer(name, getattr(self, name), 1)
        check_choice("family", self.family, FAMILIES)
        check_integer(
            "active_experts", self.active_experts, 1, check_integer("experts", self.experts, 1)
        )
        check_number("rotary_base", self.rotary_base, 1, open_low=True)
        check_number("norm_epsilon", self.norm_epsilon, 0)
        if self.heads % self.kv_heads:
            raise value_error(
                "kv_heads",
                received=f"{self.kv_heads} for {self.heads} heads",
                expected="a number that divides heads",
                remedy="Each head of keys and values serves the same number of query heads.",
            )
        if not check_integer("head_width", self.head_width, 0):
            if self.width % self.heads:
                raise value_error(
                    "heads",
                    received=f"{self.heads} for a width of {self.width}",
                    expected="a number that divides width",
                    remedy="Or pass head_width.",
                )
            object.__setattr__(self, "head_width", self.width // self.heads)
        if self.family == "llama" and self.head_width % 2:
            raise value_error(
                "head_width",
                received=f"{self.head_width}",
                expected="an even number",
                remedy="Rotary positions turn pairs of numbers.",
            )
        if self.family == "gpt2" and self.experts > 1:
            raise value_error(
                "experts", received=f"{self.experts} in gpt2", expected="1", remedy="Use llama."
            )

    @property
    def query_width(self) -> int:
        """Width of all query heads together, h e."""
        return self.heads * self.head_width

    @property
    def kv_width(self) -> int:
        """Width of all keys of a position, g e; its values have the same."""
        return self.kv_heads * self.head_width


def weight_shapes(shape: TransformerShape) -> dict[str, tuple[int, ...]]:
    """Return the name and the shape of every weight, in the order in which a token meets them.

    Matrices are ``[inputs, outputs]`` and are multiplied from the right, x W. Those of several
    experts are stacked: ``[experts, inputs, outputs]``. A bias is named after its matrix or norm.

    Args:
        shape: The decoder.

    Returns:
        ``embedding``; ``positions`` (gpt2); in each layer ``layers.0.attention_norm``, ``query``,
        ``key``, ``value``, ``output``, ``mlp_norm``, ``router`` (several experts), ``gate``
        (llama), ``up`` and ``down``; ``final_norm``; and, unless tied, ``unembedding``.

    >>> small = TransformerShape(
    ...     layers=1, width=8, heads=4, kv_heads=2, hidden=16, vocabulary=50, context=32, tied=True
    ... )
    >>> for name, sizes in weight_shapes(small).items():
    ...     print(name, sizes)
    embedding (50, 8)
    layers.0.attention_norm (8,)
    layers.0.query (8, 8)
    layers.0.key (8, 4)
    layers.0.value (8, 4)
    layers.0.output (8, 8)
    layers.0.mlp_norm (8,)
    layers.0.gate (8, 16)
    layers.0.up (8, 16)
    layers.0.down (16, 8)
    final_norm (8,)
    """
    gpt2 = shape.family == "gpt2"
    d, f = shape.width, shape.hidden
    stack = (shape.experts,) if shape.experts > 1 else ()
    found: dict[str, tuple[int, ...]] = {"embedding": (shape.vocabulary, d)}

    def add(name: str, *sizes: int, biased: bool = gpt2) -> None:
        found[name] = sizes
        if biased:
            found[f"{name}_bias"] = sizes[-1:]

    if gpt2:
        add("positions", shape.context, d, biased=False)
    for layer in range(shape.layers):
        at = f"layers.{layer}."
        add(f"{at}attention_norm", d)
        for name, width in (
            ("query", shape.query_width),
            ("key", shape.kv_width),
            ("value", shape.kv_width),
        ):
            add(at + name, d, width, biased=gpt2 or shape.attention_biases)
        add(f"{at}output", shape.query_width, d)
        add(f"{at}mlp_norm", d)
        if stack:
            add(f"{at}router", d, shape.experts)
        if not gpt2:
            add(f"{at}gate", *stack, d, f)
        add(f"{at}up", *stack, d, f)
        add(f"{at}down", *stack, f, d)
    add("final_norm", d)
    if not shape.tied:
        add("unembedding", d, shape.vocabulary, biased=False)
    return found


def parameter_count(shape: TransformerShape) -> int:
    """Count the weights of a decoder: the sum of the sizes of ``weight_shapes``.

    Args:
        shape: The decoder.

    >>> gpt2_small = TransformerShape(
    ...     layers=12, width=768, heads=12, kv_heads=12, hidden=3072, vocabulary=50257,
    ...     context=1024, family="gpt2", tied=True,
    ... )
    >>> parameter_count(gpt2_small)
    124439808
    """
    return sum(map(prod, weight_shapes(shape).values()))


@dataclass(frozen=True)
class MatrixSizes:
    """How many weights a decoder's matrices have, by what multiplies with them.

    Args:
        attention: The four matrices of attention, in all layers.
        expert: One expert's two or three matrices, in all layers.
        router: The routers, in all layers; 0 with one expert.
        unembedding: The output matrix, V d; also where the embedding takes its place.
        rest: All weights that no token is multiplied with as a matrix: norms, biases, positions
            and, unless tied, the embedding, of which a token reads one row.
    """

    attention: int
    expert: int
    router: int
    unembedding: int
    rest: int


@lru_cache(maxsize=256)
def matrix_sizes(shape: TransformerShape) -> MatrixSizes:
    """Count the weights of a decoder's matrices by their part.

        attention: L (2 d h e + 2 d g e),  expert: L · 3 d f (gpt2: 2 d f),  unembedding: V d

    Args:
        shape: The decoder.

    Returns:
        The counts. With E experts, attention + E · expert + router + unembedding + rest is the
        number of parameters.

    >>> small = TransformerShape(
    ...     layers=1, width=8, heads=4, kv_heads=2, hidden=16, vocabulary=50, context=32, tied=True
    ... )
    >>> matrix_sizes(small)  # 2 · 64 + 2 · 32, 3 · 128, and three norms
    MatrixSizes(attention=192, expert=384, router=0, unembedding=400, rest=24)
    """
    d = shape.width
    attention = shape.layers * 2 * d * (shape.query_width + shape.kv_width)
    expert = shape.layers * (2 if shape.family == "gpt2" else 3) * d * shape.hidden
    router = shape.layers * d * shape.experts if shape.experts > 1 else 0
    unembedding = shape.vocabulary * d
    matrices = attention + shape.experts * expert + router + unembedding
    return MatrixSizes(attention, expert, router, unembedding, parameter_count(shape) - matrices)
