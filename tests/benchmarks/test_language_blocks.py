"""What blocks of few bits cost a language model, and what they gain a decoder of a real size.

    pytest -m report -s tests/benchmarks/test_language_blocks.py

The first test trains three models, which takes six minutes on two cores, unless the folder that
``DEPLOYWORKBOOK_LANGUAGE`` names keeps them. The second needs 4 GB of memory, and a machine that
does nothing else.
"""

import os
from pathlib import Path

import pytest

from deployworkbook.compression.decoder_blocks import quantize_decoder, random_blocks
from deployworkbook.formulas.transformer import random_weights
from deployworkbook.runtimes.decoder_graph import GPT2_SMALL, decoder_onnx
from deployworkbook.runtimes.decoding_speed import measure_decoding
from deployworkbook.runtimes.onnx_decoder import ONNXDecoder
from deployworkbook.training.code_text import load_code_text
from deployworkbook.training.language import LanguageRecipe, language_model
from deployworkbook.training.text_quality import measure_quality

pytestmark = pytest.mark.report

FORMS = {
    "8 bits": {"bits": 8},
    "4 bits": {"bits": 4},
    "4 bits, GPTQ": {"bits": 4, "method": "gptq"},
    "3 bits": {"bits": 3},
    "3 bits, GPTQ": {"bits": 3, "method": "gptq"},
    "2 bits": {"bits": 2},
    "2 bits, GPTQ": {"bits": 2, "method": "gptq"},
}


@pytest.mark.timeout(3600)
def test_bits_per_byte(tmp_path):
    text = load_code_text()
    folder = Path(os.environ.get("DEPLOYWORKBOOK_LANGUAGE", tmp_path))
    for seed in range(3):
        model = language_model(LanguageRecipe(seed=seed), text=text, folder=folder)

        def quality(content, model=model):
            decoder = ONNXDecoder(content)
            context = model.shape.context
            return measure_quality(decoder, model.vocabulary, text.held_out, context=context)

        whole = quality(decoder_onnx(model.shape, model.weights))
        low, high = whole.interval()
        print(f"\nseed {seed}: {whole.bits_per_byte:.3f} bits per byte ({low:.2f} … {high:.2f})")
        for name, how in FORMS.items():
            calibration = text.train if "GPTQ" in name else None
            form = quantize_decoder(model, **how, text=calibration)
            found = quality(decoder_onnx(model.shape, form.model.weights))
            loss, (low, high) = found.loss_against(whole)
            print(
                f"{name:12} {form.bits_per_weight:.1f} bits per weight, "
                f"{form.size_bytes:9,} bytes, {loss:+.4f} bits per byte ({low:+.4f} … {high:+.4f})"
            )


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("threads", [1, os.cpu_count()])
def test_tokens_per_second(threads):
    weights = random_weights(GPT2_SMALL)
    forms = {
        "float32": lambda: {},
        "int8": lambda: {"dynamic_int8": True},
        "8 bits": lambda: {"blocks": random_blocks(GPT2_SMALL, bits=8)},
        "4 bits": lambda: {"blocks": random_blocks(GPT2_SMALL, bits=4)},
    }
    decoders = {
        name: ONNXDecoder(
            decoder_onnx(GPT2_SMALL, weights, **how(), last_only=True), threads=threads
        )
        for name, how in forms.items()
    }
    print(f"\n{threads} threads, tokens per second:")
    for batch, new_tokens in ((1, 16), (4, 8), (16, 4), (32, 4)):
        speeds = measure_decoding(
            decoders, vocabulary=GPT2_SMALL.vocabulary, batch=batch, new_tokens=new_tokens
        )
        for name, speed in speeds.items():
            gain = speed.decode_tokens_per_s / speeds["float32"].decode_tokens_per_s
            print(
                f"batch {batch:2} {name:8} prefill {speed.prefill_tokens_per_s:6.1f}, "
                f"decode {speed.decode_tokens_per_s:6.1f} ({gain:.1f} ×)"
            )
