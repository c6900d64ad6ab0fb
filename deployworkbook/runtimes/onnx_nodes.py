"""Nodes of an ONNX graph: adding them, and products with matrices of few bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from deployworkbook.formulas.block_quantization import BlockQuantized
from deployworkbook.formulas.packed_codes import pack_codes
from deployworkbook.validation import value_error

# ONNX Runtime's own operators have a domain of their own.
OWN_DOMAIN = "com.microsoft"
# Widths for which MatMulNBits has operators, and the smallest block that it takes.
NBITS, LEAST_BLOCK = (4, 8), 16
# Rows of inputs are rounded to 8 bits, too, so that products are of integers: with 4, the level
# at which it is fast on processors without float16.
INTEGER_PRODUCTS = 4
# Rows of an output matrix that are packed at once, which bounds the memory that it takes.
ROWS_AT_ONCE = 2048


class Nodes:
    """Nodes and constants in the order in which they are added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: Any) -> str:
        """Add an array, and return its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, operator: str, *inputs: str, name: str = "", domain: str = "", **how: Any) -> str:
        """Add a node with one output, and return the output's name."""
        output = name or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **how))
        return output


def int8_product(
    nodes: Nodes, name: str, row: str, matrix: NDArray[np.float32], output: str
) -> str:
    """Multiply with a matrix in int8, and rows rounded to 8 bits by the range of all of them.

    Args:
        nodes: The graph.
        name: The matrix's name.
        row: Name of the rows.
        matrix: Shape ``[inputs, outputs]``; each output gets a scale of its own.
        output: Name of the product; empty for any.

    Returns:
        The product's name.
    """
    add, constant = nodes.add, nodes.constant
    scales = np.maximum(np.abs(matrix).max(axis=0), np.finfo(np.float32).tiny) / 127
    codes = constant(f"{name}.codes", np.rint(matrix / scales).astype(np.int8))
    rounded, step, zero_point = (f"{name}.{part}" for part in ("rounded", "step", "zero"))
    nodes.nodes.append(
        helper.make_node("DynamicQuantizeLinear", [row], [rounded, step, zero_point])
    )
    whole = add("Cast", add("MatMulInteger", rounded, codes, zero_point), to=TensorProto.FLOAT)
    return add("Mul", whole, add("Mul", step, constant(f"{name}.scales", scales)), name=output)


def block_product(nodes: Nodes, name: str, row: str, quantized: BlockQuantized, output: str) -> str:
    """Multiply with a matrix in blocks, by ``MatMulNBits``.

    Args:
        nodes: The graph.
        name: The matrix's name.
        row: Name of the rows.
        quantized: The matrix, which ``check_blocks`` accepts.
        output: Name of the product; empty for any.

    Returns:
        The product's name.
    """
    outputs, _, size = quantized.codes.shape
    codes = quantized.codes
    if quantized.bits < 8:
        parts = np.split(codes, range(ROWS_AT_ONCE, outputs, ROWS_AT_ONCE))
        codes = np.concatenate([pack_codes(part, bits=quantized.bits) for part in parts])
    inputs = [
        row,
        nodes.constant(f"{name}.codes", codes),
        nodes.constant(f"{name}.scales", quantized.scales),
    ]
    if quantized.scheme == "asymmetric":
        points = pack_codes(quantized.zero_points, bits=quantized.bits)
        inputs.append(nodes.constant(f"{name}.zero_points", points))
    return nodes.add(
        "MatMulNBits",
        *inputs,
        domain=OWN_DOMAIN,
        K=quantized.inputs,
        N=outputs,
        bits=quantized.bits,
        block_size=size,
        accuracy_level=INTEGER_PRODUCTS,
        name=output,
    )


def check_blocks(name: str, quantized: BlockQuantized) -> None:
    """Raise an error unless ``MatMulNBits`` can read a matrix.

    Args:
        name: The matrix's name.
        quantized: The matrix.

    Raises:
        ValueError: It has no operator for the bits or the block size.
    """
    size = quantized.block_size
    if quantized.bits not in NBITS or size < LEAST_BLOCK or size & (size - 1):
        raise value_error(
            f'blocks["{name}"]',
            received=f"{quantized.bits} bits in blocks of {size}",
            expected="4 or 8 bits in blocks of 16, 32, 64, …, which MatMulNBits reads",
            remedy="Dequantize other widths, and measure their quality only.",
        )
