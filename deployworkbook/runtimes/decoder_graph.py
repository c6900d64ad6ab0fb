"""A decoder as an ONNX graph, written node by node: prefill and decode with a key-value cache.

One graph does both. Its inputs are the new tokens and the keys and values of all positions before
them, of which there are none at the start; its outputs are logits and the grown keys and values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from deployworkbook.formulas.block_quantization import BlockQuantized
from deployworkbook.formulas.transformer import check_weights
from deployworkbook.formulas.transformer_shape import TransformerShape, weight_shapes
from deployworkbook.runtimes.onnx_cache import CacheNodes, past_names
from deployworkbook.runtimes.onnx_nodes import (
    OWN_DOMAIN,
    Nodes,
    block_product,
    check_blocks,
    int8_product,
)
from deployworkbook.validation import value_error

Weights = Mapping[str, NDArray[np.float32]]

# Gelu is an operator since version 20.
OPSET, IR_VERSION = 20, 9

TOKENS, LOGITS = "tokens", "logits"

# GPT-2 small, of 124 million weights (A. Radford et al., "Language models are unsupervised
# multitask learners", 2019, and its released settings). With random weights it is as fast as with
# learned ones: a product takes the same time whatever its numbers are.
GPT2_SMALL = TransformerShape(
    layers=12,
    width=768,
    heads=12,
    kv_heads=12,
    hidden=3072,
    vocabulary=50257,
    context=1024,
    family="gpt2",
    tied=True,
)
# A score so low that its share of the attention is 0 in float32.
HIDDEN_SCORE = -1e9


def matrix_names(shape: TransformerShape) -> list[str]:
    """Return the names of the matrices that rows are multiplied with, the output matrix last.

    Args:
        shape: The decoder.

    >>> shape = TransformerShape(
    ...     layers=1, width=8, heads=2, kv_heads=2, hidden=16, vocabulary=50, context=32,
    ...     family="gpt2",
    ... )
    >>> matrix_names(shape)[-3:]
    ['layers.0.up', 'layers.0.down', 'unembedding']
    """
    inner = [
        name
        for name, sizes in weight_shapes(shape).items()
        if name.startswith("layers.") and len(sizes) == 2
    ]
    return [*inner, "unembedding"]


def unembedding(shape: TransformerShape, weights: Weights) -> NDArray[np.float32]:
    """Return the output matrix, ``[width, vocabulary]``; if tied, the embedding turned over."""
    return weights["embedding"].T if shape.tied else weights["unembedding"]


def decoder_onnx(
    shape: TransformerShape,
    weights: Weights,
    *,
    blocks: Mapping[str, BlockQuantized] | None = None,
    dynamic_int8: bool = False,
    int8_cache: bool = False,
    last_only: bool = False,
) -> bytes:
    """Write a decoder as an ONNX file, with its matrices in float32, int8 or blocks.

    Args:
        shape: A decoder of the family ``"gpt2"``.
        weights: By the names of ``formulas.transformer_shape.weight_shapes``.
        blocks: Matrices in blocks, by the names of ``matrix_names``: of 4 or 8 bits, in blocks of
            16, 32, 64, … weights. ``MatMulNBits`` multiplies with them.
        dynamic_int8: Whether to store all other matrices in int8, with a scale per output, and
            round their inputs to 8 bits by the range of what they are multiplied with.
        int8_cache: Whether to keep keys and values in 8 bits, with a float16 scale per token and
            head, as ``formulas.cache_quantization.rounded_cache`` does.
        last_only: Whether to compute the last position's logits only, all that decoding needs.

    Returns:
        The file's bytes. Inputs: ``tokens``, int64 ``[batch, n]``, and the cache by
        ``onnx_cache.past_names``, float32 or int8 ``[batch, kv_heads, past, head_width]``.
        Outputs: ``logits``, float32 ``[batch, n, vocabulary]``, and the grown cache.

    Raises:
        ValueError: The shape is of another family, weights don't fit it, or ``MatMulNBits`` can't
            read the blocks.
    """
    if shape.family != "gpt2":
        raise value_error("shape", received=f"the family {shape.family!r}", expected="'gpt2'")
    check_weights(shape, weights)
    given = blocks or {}
    for name, quantized in given.items():
        _check_blocks(name, quantized, shape)
    graph = Nodes()
    cache = CacheNodes(graph, shape, int8=int8_cache)
    _Decoder(graph, shape, weights, given, dynamic_int8, cache).write(last_only=last_only)
    past, grown = cache.ends()
    tokens = helper.make_tensor_value_info(TOKENS, TensorProto.INT64, ("batch", "n"))
    logits = helper.make_tensor_value_info(
        LOGITS, TensorProto.FLOAT, ("batch", 1 if last_only else "n", shape.vocabulary)
    )
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, "decoder", [tokens, *past], [logits, *grown], graph.constants
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(OWN_DOMAIN, 1)],
        ir_version=IR_VERSION,
    )
    return bytes(model.SerializeToString())


class _Decoder:
    """Writes the nodes of ``formulas.transformer.forward`` for the family ``"gpt2"``."""

    def __init__(
        self,
        graph: Nodes,
        shape: TransformerShape,
        weights: Weights,
        blocks: Mapping[str, BlockQuantized],
        dynamic_int8: bool,
        cache: CacheNodes,
    ) -> None:
        self.graph, self.shape, self.weights = graph, shape, weights
        self.blocks, self.dynamic_int8, self.cache = blocks, dynamic_int8, cache

    def write(self, *, last_only: bool) -> None:
        add, constant = self.graph.add, self.graph.constant
        for number in (0, 1, 2):
            constant(f"axis_{number}", np.array([number], np.int64))
        constant("zero", np.array(0, np.int64))
        constant("one", np.array(1, np.int64))
        past = add("Squeeze", add("Shape", past_names(1)[0], start=2, end=3))
        total = add("Add", past, add("Squeeze", add("Shape", TOKENS, start=1, end=2)))
        places = add("Range", past, total, "one")
        # A position sees itself and all before it.
        seen = add(
            "LessOrEqual",
            add("Unsqueeze", add("Range", "zero", total, "one"), "axis_0"),
            add("Unsqueeze", places, "axis_1"),
        )
        constant("visible", np.array(0, np.float32))
        constant("hidden", np.array(HIDDEN_SCORE, np.float32))
        mask = add("Where", seen, "visible", "hidden")
        x = add(
            "Add",
            add("Gather", constant("embedding", self.weights["embedding"]), TOKENS),
            add("Gather", constant("positions", self.weights["positions"]), places),
        )
        e = self.shape.head_width
        constant("scale", np.array(1 / math.sqrt(e), np.float32))
        # 0 stands for the input's own size.
        constant("split_queries", np.array([0, 0, self.shape.heads, e], np.int64))
        constant("split_keys", np.array([0, 0, self.shape.kv_heads, e], np.int64))
        constant("join", np.array([0, 0, self.shape.query_width], np.int64))
        for layer in range(self.shape.layers):
            at = f"layers.{layer}."
            x = add(
                "Add", x, self._attention(at, layer, self._norm(f"{at}attention_norm", x), mask)
            )
            inner = self._linear(f"{at}up", self._norm(f"{at}mlp_norm", x))
            x = add("Add", x, self._linear(f"{at}down", add("Gelu", inner, approximate="tanh")))
        if last_only:
            constant("last", np.array([-1], np.int64))
            constant("end", np.array([np.iinfo(np.int64).max], np.int64))
            x = add("Slice", x, "last", "end", "axis_1")
        self._matrix("unembedding", self._norm("final_norm", x), LOGITS)

    def _attention(self, at: str, layer: int, row: str, mask: str) -> str:
        add = self.graph.add

        def heads(part: str, sizes: str) -> str:
            split = add("Reshape", self._linear(at + part, row), sizes)
            return add("Transpose", split, perm=[0, 2, 1, 3])

        queries = add("Mul", heads("query", "split_queries"), "scale")
        scores = self.cache.scores(layer, queries, heads("key", "split_keys"))
        shares = add("Softmax", add("Add", scores, mask), axis=-1)
        mixed = self.cache.mixture(layer, shares, heads("value", "split_keys"))
        mixed = add("Transpose", mixed, perm=[0, 2, 1, 3])
        return self._linear(f"{at}output", add("Reshape", mixed, "join"))

    def _norm(self, name: str, row: str) -> str:
        return self.graph.add(
            "LayerNormalization",
            row,
            self.graph.constant(name, self.weights[name]),
            self.graph.constant(f"{name}_bias", self.weights[f"{name}_bias"]),
            epsilon=self.shape.norm_epsilon,
        )

    def _linear(self, name: str, row: str) -> str:
        bias = self.graph.constant(f"{name}_bias", self.weights[f"{name}_bias"])
        return self.graph.add("Add", self._matrix(name, row), bias)

    def _matrix(self, name: str, row: str, output: str = "") -> str:
        """Multiply rows with a matrix in whichever form it has."""
        add, constant = self.graph.add, self.graph.constant
        if name in self.blocks:
            return block_product(self.graph, name, row, self.blocks[name], output)
        matrix = (
            unembedding(self.shape, self.weights) if name == "unembedding" else self.weights[name]
        )
        if not self.dynamic_int8:
            # A tied embedding is in the file once; it is turned over as the file is loaded.
            is_tied = name == "unembedding" and self.shape.tied
            factor = (
                add("Transpose", "embedding") if is_tied else constant(f"{name}.matrix", matrix)
            )
            return add("MatMul", row, factor, name=output)
        return int8_product(self.graph, name, row, matrix, output)


def _check_blocks(name: str, quantized: BlockQuantized, shape: TransformerShape) -> None:
    known = matrix_names(shape)
    if name not in known:
        raise value_error(
            "blocks", received=name, expected=f"matrices, such as {known[0]!r} or {known[-1]!r}"
        )
    check_blocks(name, quantized)
