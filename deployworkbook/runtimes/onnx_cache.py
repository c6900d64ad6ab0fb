"""A decoder's key-value cache in an ONNX graph: inputs, outputs, and attention over both.

In int8 it is that of ``formulas.cache_quantization``, with a scale per token and head. The scales
stay out of the sums: scores and shares are multiplied with them, so that what is read for each
token are the integers.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper

from deployworkbook.formulas.cache_quantization import LEAST_SCALE
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.runtimes.onnx_nodes import Nodes

# The largest code; the smallest is its negative.
TOP = 127


def past_names(layers: int, *, int8: bool = False) -> list[str]:
    """Return the names of the cache's inputs, keys and values layer by layer.

    The outputs' names are the same without ``past_``.

    Args:
        layers: Number of layers.
        int8: Whether keys and values are integers, which come with scales.

    >>> past_names(1)
    ['past_keys_0', 'past_values_0']
    >>> past_names(1, int8=True)[2:]
    ['past_key_scales_0', 'past_value_scales_0']
    """
    parts = ["keys", "values"] + (["key_scales", "value_scales"] if int8 else [])
    return [f"past_{part}_{layer}" for layer in range(layers) for part in parts]


class CacheNodes:
    """Nodes that let a cache grow, and attend to it.

    Args:
        nodes: The graph.
        shape: The decoder.
        int8: Whether keys and values are kept in int8, and their scales in float16.
    """

    def __init__(self, nodes: Nodes, shape: TransformerShape, *, int8: bool) -> None:
        self.nodes, self.shape, self.int8 = nodes, shape, int8
        if shape.heads != shape.kv_heads:
            order = np.repeat(np.arange(shape.kv_heads), shape.heads // shape.kv_heads)
            nodes.constant("group_of_heads", order)
        if int8:
            nodes.constant("last_axis", np.array([-1], np.int64))
            nodes.constant("least_scale", np.float32(LEAST_SCALE))
            nodes.constant("top", np.float32(TOP))
            nodes.constant("bottom", np.float32(-TOP))

    def ends(self) -> tuple[list[onnx.ValueInfoProto], list[onnx.ValueInfoProto]]:
        """Return the graph's inputs and outputs of all layers."""
        inputs, outputs = [], []
        for name in past_names(self.shape.layers, int8=self.int8):
            kind, width = TensorProto.FLOAT, self.shape.head_width
            if self.int8:
                kind = TensorProto.INT8
            if "scales" in name:
                kind, width = TensorProto.FLOAT16, 1
            heads, grown = self.shape.kv_heads, name.removeprefix("past_")
            inputs.append(
                helper.make_tensor_value_info(name, kind, ("batch", heads, "past", width))
            )
            outputs.append(
                helper.make_tensor_value_info(grown, kind, ("batch", heads, "total", width))
            )
        return inputs, outputs

    def scores(self, layer: int, queries: str, rows: str) -> str:
        """Append the keys of new positions, and multiply all keys with queries.

        Args:
            layer: Number of the layer.
            queries: Name of the queries, ``[batch, heads, n, e]``.
            rows: Name of the new keys, ``[batch, kv_heads, n, e]``.

        Returns:
            Name of the scores, ``[batch, heads, n, total]``.
        """
        keys, scales = self._grown("key", layer, rows)
        # Integers are turned over before they become floats, which have four times the bytes.
        turned = self._floats(self.nodes.add("Transpose", keys, perm=[0, 1, 3, 2]))
        products = self.nodes.add("MatMul", queries, turned)
        return self.nodes.add("Mul", products, scales) if scales else products

    def mixture(self, layer: int, shares: str, rows: str) -> str:
        """Append the values of new positions, and mix all values.

        Args:
            layer: Number of the layer.
            shares: Name of the shares of all positions, ``[batch, heads, n, total]``.
            rows: Name of the new values, ``[batch, kv_heads, n, e]``.

        Returns:
            Name of the mixtures, ``[batch, heads, n, e]``.
        """
        values, scales = self._grown("value", layer, rows)
        weighted = self.nodes.add("Mul", shares, scales) if scales else shares
        return self.nodes.add("MatMul", weighted, self._floats(values))

    def _grown(self, part: str, layer: int, rows: str) -> tuple[str, str]:
        """Append rows, and return the names of all rows and of scales ``[batch, heads, 1, total]``.

        Without scales, the second name is empty.
        """
        if not self.int8:
            return self._shared(self._appended(f"{part}s_{layer}", rows)), ""
        add = self.nodes.add
        highest = add("ReduceMax", add("Abs", rows), "last_axis")
        exact = add("Max", add("Div", highest, "top"), "least_scale")
        scale = add("Cast", exact, to=TensorProto.FLOAT16)
        steps = add("Div", rows, add("Cast", scale, to=TensorProto.FLOAT))
        codes = add("Cast", add("Clip", add("Round", steps), "bottom", "top"), to=TensorProto.INT8)
        scales = self._shared(self._appended(f"{part}_scales_{layer}", scale))
        whole = add("Cast", add("Transpose", scales, perm=[0, 1, 3, 2]), to=TensorProto.FLOAT)
        return self._shared(self._appended(f"{part}s_{layer}", codes)), whole

    def _appended(self, name: str, rows: str) -> str:
        return self.nodes.add("Concat", f"past_{name}", rows, axis=2, name=name)

    def _shared(self, rows: str) -> str:
        """Repeat each head of keys or values for the query heads that share it."""
        if self.shape.heads == self.shape.kv_heads:
            return rows
        return self.nodes.add("Gather", rows, "group_of_heads", axis=1)

    def _floats(self, codes: str) -> str:
        return self.nodes.add("Cast", codes, to=TensorProto.FLOAT) if self.int8 else codes
