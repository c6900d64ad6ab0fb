"""A language model's matrices in blocks: to nearest, and by GPTQ."""

import numpy as np
import pytest

from deployworkbook.compression.decoder_blocks import quantize_decoder, random_blocks
from deployworkbook.compression.decoder_inputs import inputs_of
from deployworkbook.formulas.block_quantization import dequantize_blocks
from deployworkbook.formulas.gptq import output_error, second_moments
from deployworkbook.formulas.transformer import random_weights
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.runtimes.decoder_graph import decoder_onnx, matrix_names
from deployworkbook.runtimes.onnx_decoder import ONNXDecoder
from tests.compression.random_coder import TEXT, error_of, random_coder, some_tokens


@pytest.fixture(scope="module")
def model():
    return random_coder()


@pytest.fixture(scope="module")
def tokens(model):
    return some_tokens(model)


def test_fewer_bits_are_smaller_and_worse(model, tokens):
    forms = [quantize_decoder(model, bits=bits) for bits in (8, 4, 3, 2)]
    errors = [error_of(model, form.model, tokens) for form in forms]
    sizes = [form.size_bytes for form in forms]
    assert errors == sorted(errors)
    assert sizes == sorted(sizes, reverse=True)
    # A scale of 16 bits for 32 weights.
    assert [form.bits_per_weight for form in forms] == [8.5, 4.5, 3.5, 2.5]


def test_matrices_change_and_nothing_else_does(model):
    form = quantize_decoder(model, bits=4)
    changed = {
        name for name, array in model.weights.items() if (form.model.weights[name] != array).any()
    }
    assert changed == set(form.blocks) == set(matrix_names(model.shape))


def test_gptq_changes_the_outputs_less(model, tokens):
    nearest = quantize_decoder(model, bits=3)
    clever = quantize_decoder(model, bits=3, method="gptq", text=TEXT, windows=16)
    assert clever.bits_per_weight == nearest.bits_per_weight
    assert error_of(model, clever.model, tokens) < 0.8 * error_of(model, nearest.model, tokens)


def test_gptq_keeps_the_first_matrixs_outputs(model, tokens):
    name = "layers.0.query"
    moments = second_moments(inputs_of(model, name, tokens))
    errors = [
        output_error(
            model.weights[name], quantize_decoder(model, bits=3, **how).model.weights[name], moments
        )
        for how in ({}, {"method": "gptq", "text": TEXT, "windows": 16})
    ]
    assert errors[1] < errors[0]


def test_the_inputs_of_a_matrix_are_what_it_is_multiplied_with(model, tokens):
    rows = inputs_of(model, "unembedding", tokens)
    expected = model(tokens).reshape(-1, 300)
    np.testing.assert_allclose(rows @ model.weights["unembedding"], expected, rtol=0, atol=1e-5)
    # GELU is never below -0.17.
    assert inputs_of(model, "layers.1.down", tokens).min() > -0.18


def test_a_file_gives_the_logits_of_the_rounded_model(model, tokens):
    form = quantize_decoder(model, bits=8)
    found = ONNXDecoder(form.onnx())(tokens)
    assert np.corrcoef(found.ravel(), form.model(tokens).ravel())[0, 1] > 0.999


def test_widths_without_a_kernel_make_no_file(model):
    with pytest.raises(ValueError, match="3 bits"):
        quantize_decoder(model, bits=3).onnx()


def test_random_blocks_have_the_size_of_random_weights():
    shape = TransformerShape(
        layers=1,
        width=32,
        heads=2,
        kv_heads=2,
        hidden=64,
        vocabulary=48,
        context=8,
        family="gpt2",
        tied=True,
    )
    blocks = random_blocks(shape, bits=4, block_size=64)
    assert blocks["unembedding"].codes.shape == (48, 1, 64)
    # The width fills half a block.
    assert not blocks["unembedding"].codes[..., 32:].any()
    weights = dequantize_blocks(blocks["layers.0.up"])
    assert weights.shape == (32, 64)
    assert weights.std() == pytest.approx(0.02, rel=0.05)
    decoder = ONNXDecoder(decoder_onnx(shape, random_weights(shape), blocks=blocks))
    assert decoder(np.zeros((1, 3), np.int64)).shape == (1, 3, 48)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"method": "awq"}, "method"),
        ({"method": "gptq"}, "load_code_text"),
        ({"method": "gptq", "text": {"short": b"x = 1"}}, "context"),
        ({"text": TEXT}, "nearest"),
        ({"bits": 1}, "bits"),
    ],
)
def test_settings_that_make_no_sense_are_refused(model, how, words):
    with pytest.raises(ValueError, match=words):
        quantize_decoder(model, **{"bits": 4} | how)
