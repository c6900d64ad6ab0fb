"""Rotary positions, norms and MLPs: by hand, by what they leave unchanged, and against ONNX."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployworkbook.formulas.feed_forward import gated_feed_forward, gelu, mixture_of_experts, silu
from deployworkbook.formulas.normalization import layer_norm, rms_norm
from deployworkbook.formulas.rotary import rotate

RNG = np.random.default_rng(0)


def onnx_operator(operator, arrays, **attributes):
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    names = [f"x{index}" for index in range(len(arrays))]
    kinds = [helper.np_dtype_to_tensor_dtype(array.dtype) for array in arrays]
    graph = helper.make_graph(
        [helper.make_node(operator, names, ["y"], **attributes)],
        operator,
        [
            helper.make_tensor_value_info(name, kind, array.shape)
            for name, kind, array in zip(names, kinds, arrays, strict=True)
        ],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)])
    return ReferenceEvaluator(model).run(None, dict(zip(names, arrays, strict=True)))[0]


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 1000))
def test_scores_depend_on_the_distance_only(first, second, shift):
    q, k = np.random.default_rng(1).normal(size=(2, 1, 8))
    near = rotate(q, [first]) @ rotate(k, [second]).T
    far = rotate(q, [first + shift]) @ rotate(k, [second + shift]).T
    np.testing.assert_allclose(near, far, rtol=0, atol=1e-10)


def test_a_rotation_keeps_lengths():
    x = RNG.normal(size=(2, 3, 5, 6))
    turned = rotate(x, np.arange(5), base=100.0)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(x, axis=-1))
    np.testing.assert_array_equal(turned[..., 0, :], x[..., 0, :])


def test_rotation_equals_the_operator_of_onnx():
    x = RNG.normal(size=(2, 3, 5, 6))
    angles = np.arange(5)[:, None] * 10_000.0 ** (-np.arange(3) / 3)
    caches = [np.broadcast_to(f(angles), (2, 5, 3)).copy() for f in (np.cos, np.sin)]
    wanted = onnx_operator("RotaryEmbedding", [x, *caches])
    np.testing.assert_allclose(rotate(x, np.arange(5)), wanted, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("ours", "operator", "arguments"),
    [(rms_norm, "RMSNormalization", 1), (layer_norm, "LayerNormalization", 2)],
)
def test_norms_equal_the_operators_of_onnx(ours, operator, arguments):
    x, *rest = RNG.normal(size=(4, 8)), *RNG.normal(size=(arguments, 8))
    wanted = onnx_operator(operator, [x, *rest], epsilon=1e-3)
    # ONNX's operators compute their statistics in float32.
    np.testing.assert_allclose(ours(x, *rest, epsilon=1e-3), wanted, rtol=1e-5, atol=1e-6)


def test_a_norm_does_not_depend_on_the_scale_of_its_input():
    x = RNG.normal(size=(4, 8))
    one, zero = np.ones(8), np.zeros(8)
    np.testing.assert_allclose(rms_norm(x, one, epsilon=0), rms_norm(1e6 * x, one, epsilon=0))
    shifted = layer_norm(7 + 3 * x, one, zero, epsilon=0)
    np.testing.assert_allclose(shifted, layer_norm(x, one, zero, epsilon=0), atol=1e-9)
    assert (rms_norm(np.zeros(8), one) == 0).all()


def test_activations_equal_those_of_onnx():
    x = np.linspace(-6, 6, 101)
    wanted = onnx_operator("Gelu", [x], approximate="tanh")
    # ONNX's reference has its constants in float32.
    np.testing.assert_allclose(gelu(x), wanted, rtol=0, atol=1e-7)
    np.testing.assert_allclose(silu(x), x / (1 + np.exp(-x)), rtol=0, atol=1e-12)


def test_all_experts_active_are_a_weighted_mean():
    x = RNG.normal(size=(3, 4))
    router = RNG.normal(size=(4, 2))
    gate, up, down = (
        RNG.normal(size=(2, 4, 6)),
        RNG.normal(size=(2, 4, 6)),
        RNG.normal(size=(2, 6, 4)),
    )
    logits = x @ router
    first = 1 / (1 + np.exp(logits[:, 1:] - logits[:, :1]))
    outputs = [gated_feed_forward(x, gate[i], up[i], down[i]) for i in (0, 1)]
    wanted = first * outputs[0] + (1 - first) * outputs[1]
    found = mixture_of_experts(x, router, gate, up, down, active=2)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def test_one_active_expert_is_that_expert_alone():
    x = RNG.normal(size=(2, 3, 4))
    router = RNG.normal(size=(4, 5))
    gate, up, down = (
        RNG.normal(size=(5, 4, 6)),
        RNG.normal(size=(5, 4, 6)),
        RNG.normal(size=(5, 6, 4)),
    )
    found = mixture_of_experts(x, router, gate, up, down, active=1)
    for place in np.ndindex(2, 3):
        best = int(np.argmax(x[place] @ router))
        wanted = gated_feed_forward(x[place], gate[best], up[best], down[best])
        np.testing.assert_allclose(found[place], wanted, rtol=0, atol=1e-12)


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match="even width"):
        rotate(np.zeros((2, 3)), [0, 1])
    with pytest.raises(ValueError, match="positions"):
        rotate(np.zeros((2, 4)), [0, 1, 2])
    with pytest.raises(ValueError, match="scale"):
        rms_norm(np.zeros((2, 4)), np.ones(3))
    experts = np.zeros((2, 4, 4))
    with pytest.raises(ValueError, match="active: expected an integer from 1 to 2"):
        mixture_of_experts(np.ones(4), np.zeros((4, 2)), experts, experts, experts, active=3)
