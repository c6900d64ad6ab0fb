"""What the explorer of what fits says beforehand is what the C code takes."""

import numpy as np
import pytest

from deployworkbook.edge.compiling import compile_c
from deployworkbook.edge.exporting import write_project
from deployworkbook.edge.network import Network
from deployworkbook.edge.planning import plan
from deployworkbook.edge.stored_layers import StoredLayer
from deployworkbook.widgets.fit import flash_needed, ram_needed
from tests.edge.conftest import grid

RANDOM = np.random.default_rng(0)


def network(bits, sparsity, hidden):
    """Draw a network with that share of zeros, and no more by chance."""
    layers = []
    for shape in ((784, hidden), (hidden, 10)):
        highest = 7 if bits == 4 else 127
        weights = RANDOM.integers(1, highest + 1, shape) * RANDOM.choice([-1, 1], shape)
        weights *= RANDOM.random(shape) >= sparsity
        if bits == 32:
            layers.append(
                StoredLayer(np.float32(weights), RANDOM.normal(size=shape[1]).astype(np.float32))
            )
            continue
        scales = RANDOM.uniform(1e-3, 5e-3, shape[1] if bits == 8 else 1).astype(np.float32)
        kind = np.int32 if bits == 8 else np.float32
        bias = RANDOM.normal(0, 1000 if bits == 8 else 0.02, shape[1]).astype(kind)
        out = grid(0.1, -128) if bits == 8 else None
        layers.append(StoredLayer(weights.astype(np.int8), bias, scales, out))
    return Network(tuple(layers), grid(1 / 255, -128) if bits == 8 else None)


@pytest.mark.parametrize(
    ("bits", "sparsity", "hidden"),
    [(4, 0.975, 104), (4, 0.5, 64), (8, 0.0, 128), (8, 0.9, 128), (32, 0.0, 32)],
)
def test_sizes_are_those_of_the_c_code(bits, sparsity, hidden, tmp_path):
    drawn = network(bits, sparsity, hidden)
    layout, (weights, others, code) = flash_needed(bits, sparsity, hidden)
    program = plan(drawn)
    assert program.steps[0].layout.name == layout
    # Where the zeros fall is chance.
    assert weights + others == pytest.approx(program.table_bytes, rel=0.03)
    values = ram_needed(layout, hidden)[1]
    assert values == program.buffer_bytes + 4 * 10
    project = write_project(program, "drawn", tmp_path / "c")
    built = compile_c(project, "cortex-m0plus").sections
    assert code == pytest.approx(built.code, rel=0.05)
