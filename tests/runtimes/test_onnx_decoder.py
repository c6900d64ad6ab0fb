"""A decoder as an ONNX graph: the same logits as NumPy's, with a cache and without."""

import numpy as np
import pytest

from deployworkbook.formulas.block_quantization import dequantize_blocks, quantize_blocks
from deployworkbook.formulas.sampling import generate
from deployworkbook.formulas.transformer import forward, random_weights
from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.runtimes.decoder_graph import decoder_onnx, matrix_names, unembedding
from deployworkbook.runtimes.decoding_speed import DecodingSpeed, measure_decoding
from deployworkbook.runtimes.onnx_decoder import NumPyDecoder, ONNXDecoder
from tests.runtimes.small_decoders import GROUPED, SHAPE, SIZES, TIED, weights_of


def blocks_of(shape, weights, bits, **how):
    matrices = {
        name: unembedding(shape, weights) if name == "unembedding" else weights[name]
        for name in matrix_names(shape)
    }
    return {
        name: quantize_blocks(matrix, bits=bits, block_size=16, **how)
        for name, matrix in matrices.items()
    }


@pytest.fixture(scope="module")
def weights():
    return weights_of(SHAPE)


@pytest.fixture(scope="module")
def decoder(weights):
    return ONNXDecoder(decoder_onnx(SHAPE, weights))


@pytest.fixture(scope="module")
def tokens():
    return np.random.default_rng(0).integers(0, SHAPE.vocabulary, (3, 20))


@pytest.mark.parametrize("shape", [SHAPE, GROUPED, TIED])
def test_logits_are_those_of_numpy(shape, tokens):
    own = weights_of(shape)
    expected = forward(shape, own, tokens).logits
    assert np.abs(expected).max() > 1
    # float32 sums in another order.
    found = ONNXDecoder(decoder_onnx(shape, own))(tokens)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("own", [ONNXDecoder, NumPyDecoder])
def test_a_sequence_remembers_what_it_read(decoder, weights, tokens, own):
    sequence = (decoder if own is ONNXDecoder else NumPyDecoder(SHAPE, weights)).start()
    # A prompt, a single token, and several at once.
    parts = np.split(tokens, [7, 8], axis=1)
    found = [sequence(part) for part in parts]
    assert sequence.positions == 20
    expected = decoder(tokens)[:, [6, 7, 19]]
    np.testing.assert_allclose(np.stack(found, axis=1), expected, rtol=0, atol=1e-4)


def test_two_sequences_dont_disturb_each_other(decoder, tokens):
    first, second = decoder.start(), decoder.start()
    first(tokens[:, :5])
    second(tokens[:1, 9:12])
    found = first(tokens[:, 5:6])
    np.testing.assert_allclose(found, decoder(tokens[:, :6])[:, -1], rtol=0, atol=1e-4)


def test_the_cache_takes_two_vectors_per_layer_and_position(decoder, tokens):
    sequence = decoder.start()
    assert sequence.cache_bytes == 0
    sequence(tokens)
    # 2 layers, keys and values of 32 numbers of 4 bytes, for 3 sequences of 20 tokens.
    assert sequence.cache_bytes == 2 * 2 * 32 * 4 * 3 * 20


def test_decoding_can_compute_the_last_position_only(weights, decoder, tokens):
    last = ONNXDecoder(decoder_onnx(SHAPE, weights, last_only=True))
    assert last(tokens).shape == (3, 1, SHAPE.vocabulary)
    np.testing.assert_allclose(last(tokens), decoder(tokens)[:, -1:], rtol=0, atol=1e-5)


def test_a_sequence_is_a_step_of_generation(decoder, weights, tokens):
    text = [
        generate(each.start(), tokens[:1, :4], tokens=8, temperature=0)
        for each in (decoder, NumPyDecoder(SHAPE, weights))
    ]
    np.testing.assert_array_equal(*text)


@pytest.mark.parametrize("scheme", ["symmetric", "asymmetric"])
@pytest.mark.parametrize("bits", [4, 8])
def test_blocks_give_the_logits_of_the_rounded_weights(weights, tokens, bits, scheme):
    blocks = blocks_of(SHAPE, weights, bits, scheme=scheme)
    rounded = weights | {
        name: dequantize_blocks(each).astype(np.float32) for name, each in blocks.items()
    }
    expected = forward(SHAPE, rounded, tokens).logits
    found = ONNXDecoder(decoder_onnx(SHAPE, weights, blocks=blocks))(tokens)
    # The inputs are rounded to 8 bits, too: 0.4 % of the largest of a block.
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.999


def test_dynamic_int8_is_close_to_float32(weights, decoder, tokens):
    found = ONNXDecoder(decoder_onnx(SHAPE, weights, dynamic_int8=True))(tokens)
    expected = decoder(tokens)
    assert 0 < np.abs(found - expected).max() < 0.1 * np.abs(expected).max()


def test_fewer_bits_make_a_smaller_file(weights):
    sizes = [
        len(decoder_onnx(SHAPE, weights, **how))
        for how in (
            {},
            {"blocks": blocks_of(SHAPE, weights, 8)},
            {"blocks": blocks_of(SHAPE, weights, 4)},
        )
    ]
    assert sizes == sorted(sizes, reverse=True)
    # The matrices have 17,920 weights: a tied one isn't among them.
    assert sizes[1] - sizes[2] == 17_920 // 2


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"bits": 3, "block_size": 16}, "3 bits"),
        ({"bits": 4, "block_size": 24}, "blocks of 24"),
        ({"bits": 4, "block_size": 8}, "blocks of 8"),
    ],
)
def test_blocks_that_the_operator_cannot_read_are_refused(weights, how, words):
    name = "layers.0.up"
    with pytest.raises(ValueError, match=words):
        decoder_onnx(SHAPE, weights, blocks={name: quantize_blocks(weights[name], **how)})


def test_an_unknown_matrix_is_refused(weights):
    blocks = {"layers.0.gate": quantize_blocks(weights["layers.0.up"], bits=4)}
    with pytest.raises(ValueError, match="unembedding"):
        decoder_onnx(SHAPE, weights, blocks=blocks)


def test_another_family_is_refused():
    llama = TransformerShape(**SIZES)
    with pytest.raises(ValueError, match="llama"):
        decoder_onnx(llama, random_weights(llama))


def test_a_file_of_something_else_is_refused(weights):
    with pytest.raises(ValueError, match="not an ONNX file"):
        ONNXDecoder(b"something else")


def test_speeds_are_measured_in_turns(decoder, weights):
    decoders = {"onnx": decoder, "numpy": NumPyDecoder(SHAPE, weights)}
    speeds = measure_decoding(
        decoders, vocabulary=48, batch=2, prompt_tokens=8, new_tokens=3, rounds=2
    )
    assert list(speeds) == ["onnx", "numpy"]
    for speed in speeds.values():
        assert (len(speed.prefill_s), len(speed.step_s)) == (2, 6)
        assert min(speed.prefill_s + speed.step_s) > 0


def test_tokens_per_second_count_all_sequences():
    speed = DecodingSpeed(4, 10, prefill_s=(0.1, 0.2, 0.4), step_s=(0.01, 0.02, 0.05))
    assert speed.first_token_s == 0.2
    assert speed.prefill_tokens_per_s == pytest.approx(4 * 10 / 0.2)
    assert speed.decode_tokens_per_s == pytest.approx(4 / 0.02)


def test_the_ratio_of_two_decoders_compares_their_rounds():
    # The second round is twice as slow for both: that doesn't widen the interval.
    one = DecodingSpeed(1, 4, (1.0, 1.0, 1.0), step_s=(3.0, 3.0, 6.0, 6.0, 3.0, 3.0))
    two = DecodingSpeed(1, 4, (1.0, 1.0, 1.0), step_s=(2.0, 2.0, 4.0, 4.0, 2.0, 2.0))
    ratio, (low, high) = one.ratio_to(two)
    assert low == pytest.approx(ratio) == pytest.approx(high) == pytest.approx(1.5)
    assert one.fastest_step_s == 3.0


def test_the_ratio_needs_two_rounds():
    one = DecodingSpeed(1, 4, (1.0,), (1.0,))
    with pytest.raises(ValueError, match="at least 2"):
        one.ratio_to(one)


def test_without_a_warm_up_the_first_round_counts(decoder):
    calls = []

    class Counted:
        def start(self):
            calls.append("start")
            return decoder.start()

    sizes = {"vocabulary": 48, "prompt_tokens": 3, "new_tokens": 2, "rounds": 1}
    speeds = measure_decoding({"own": Counted()}, **sizes, processor_time=True, warm_up=False)
    assert calls == ["start"]
    assert (len(speeds["own"].prefill_s), len(speeds["own"].step_s)) == (1, 2)
