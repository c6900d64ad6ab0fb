"""The sizes of decoders: equal to published counts, and to counts by hand."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import pytest

from deployworkbook.formulas.transformer_shape import (
    matrix_sizes,
    parameter_count,
    weight_shapes,
)
from deployworkbook.runtimes.decoder_graph import GPT2_SMALL
from tests.formulas.published_shapes import GPT2_XL, LLAMA2_7B, LLAMA3_70B, MIXTRAL, QWEN2_HALF_B


@pytest.mark.parametrize(
    ("shape", "published"),
    [
        # The number of parameters that the released weights have.
        (GPT2_SMALL, 124_439_808),
        (GPT2_XL, 1_557_611_200),
        (LLAMA2_7B, 6_738_415_616),
        (replace(LLAMA2_7B, kv_heads=8, hidden=14336), 7_241_732_096),  # Mistral 7B
        (LLAMA3_70B, 70_553_706_496),
        (MIXTRAL, 46_702_792_704),
        (QWEN2_HALF_B, 494_032_768),
    ],
)
def test_count_equals_that_of_the_released_weights(shape, published):
    assert parameter_count(shape) == published


@pytest.mark.parametrize("shape", [GPT2_SMALL, LLAMA3_70B, MIXTRAL, QWEN2_HALF_B])
def test_parts_sum_to_the_whole(shape):
    sizes = matrix_sizes(shape)
    experts = shape.experts * sizes.expert
    whole = sizes.attention + experts + sizes.router + sizes.unembedding + sizes.rest
    assert whole == parameter_count(shape)
    by_name = {"attention": 0, "mlp": 0, "router": 0}
    part = dict.fromkeys(("query", "key", "value", "output"), "attention")
    part |= dict.fromkeys(("gate", "up", "down"), "mlp") | {"router": "router"}
    for name, size in weight_shapes(shape).items():
        last = name.rpartition(".")[2]
        if last in part:
            by_name[part[last]] += prod(size)
    assert by_name == {"attention": sizes.attention, "mlp": experts, "router": sizes.router}


def test_mixtral_uses_13_billion_parameters_per_token():
    # Mistral's announcement: 46.7 B parameters, of which 12.9 B are used per token.
    sizes = matrix_sizes(MIXTRAL)
    used = parameter_count(MIXTRAL) - (MIXTRAL.experts - MIXTRAL.active_experts) * sizes.expert
    assert round(used / 1e9, 1) == 12.9


def test_a_tied_embedding_has_no_weights_of_its_own():
    assert parameter_count(GPT2_SMALL) + 768 * 50257 == parameter_count(
        replace(GPT2_SMALL, tied=False)
    )
    assert "unembedding" not in weight_shapes(GPT2_SMALL)


def test_biases_are_named_after_their_matrices():
    assert weight_shapes(GPT2_SMALL)["layers.11.up_bias"] == (3072,)
    assert weight_shapes(QWEN2_HALF_B)["layers.0.key_bias"] == (128,)
    assert "layers.0.output_bias" not in weight_shapes(QWEN2_HALF_B)
    assert not [name for name in weight_shapes(LLAMA2_7B) if "bias" in name]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kv_heads": 5}, "kv_heads.*divides heads"),
        ({"heads": 33, "kv_heads": 33}, "heads.*divides width.*head_width"),
        ({"head_width": 127}, "head_width.*even"),
        ({"experts": 2, "active_experts": 3}, "active_experts.*from 1 to 2"),
        ({"family": "gpt3"}, "gpt2"),
        ({"layers": 0}, "layers"),
        ({"family": "gpt2", "experts": 8}, "experts"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(change, text):
    changed = {"head_width": 0, **change}
    with pytest.raises(ValueError, match=text):
        replace(LLAMA2_7B, **changed)
