"""What blocks of few bits cost a language model, and what they gain a decoder of a real size.

    pytest -m report -s tests/benchmarks/test_language_blocks.py

The first test trains three models, which takes six minutes on two cores, unless the folder that
``DEPLOYWORKBOOK_LANGUAGE`` names keeps them. The others need 4 GB of memory, and a machine that
does nothing else; on one thread, they count processor time.
"""

import os
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest

from deployworkbook.compression.decoder_blocks import quantize_decoder, random_blocks
from deployworkbook.formulas.kernel_ceilings import decoder_seconds
from deployworkbook.formulas.token_costs import step_seconds, step_work
from deployworkbook.formulas.transformer import random_weights
from deployworkbook.runtimes.decoder_graph import GPT2_SMALL, decoder_onnx
from deployworkbook.runtimes.decoding_speed import measure_decoding
from deployworkbook.runtimes.kernel_speed import measure_ceilings
from deployworkbook.runtimes.limits import measure_limits
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


SPEED_FORMS = {"float32": 32, "int8": 8, "8 bits": 9, "4 bits": 5}  # bits per weight, scales too


def decoder_of(shape, form, threads=1):
    how = {"dynamic_int8": form == "int8", "last_only": True}
    if form.endswith(" bits"):
        how["blocks"] = random_blocks(shape, bits=int(form[0]))
    return ONNXDecoder(decoder_onnx(shape, random_weights(shape), **how), threads=threads)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("threads", [1, os.cpu_count()])
def test_tokens_per_second(threads):
    decoders = {form: decoder_of(GPT2_SMALL, form, threads) for form in SPEED_FORMS}
    print(f"\n{threads} threads, tokens per second:")
    for batch, new_tokens in ((1, 16), (4, 8), (16, 4), (32, 4)):
        speeds = measure_decoding(
            decoders,
            vocabulary=GPT2_SMALL.vocabulary,
            batch=batch,
            new_tokens=new_tokens,
            processor_time=threads == 1,
        )
        for name, speed in speeds.items():
            gain = speed.decode_tokens_per_s / speeds["float32"].decode_tokens_per_s
            print(
                f"batch {batch:2} {name:8} prefill {speed.prefill_tokens_per_s:6.1f}, "
                f"decode {speed.decode_tokens_per_s:6.1f} ({gain:.1f} ×)"
            )


@pytest.mark.timeout(1800)
def test_steps_are_predicted():
    """The ceilings come from decoders of other sizes; both are measured in the same rounds."""
    decoders = {form: decoder_of(GPT2_SMALL, form) for form in SPEED_FORMS}
    seconds = defaultdict(list)

    def steps():
        for batch in (1, 8, 32):
            speeds = measure_decoding(
                decoders,
                vocabulary=GPT2_SMALL.vocabulary,
                batch=batch,
                prompt_tokens=16,
                new_tokens=4,
                rounds=1,
                processor_time=True,
                warm_up=False,
            )
            for form, speed in speeds.items():
                seconds[form, batch].append(speed.fastest_step_s)

    makers = {form: partial(decoder_of, form=form) for form in SPEED_FORMS}
    ceilings = measure_ceilings(makers, weight_bits=SPEED_FORMS, rounds=4, beside=steps)
    limits = measure_limits(200_000_000)
    roof = {"operations_per_s": limits.operations_per_s, "bytes_per_s": limits.bytes_per_s}
    print(f"\nroofline: {limits}")
    for form, each in ceilings.items():
        print(f"{form}: {each}")
    for (form, batch), found in seconds.items():
        bits = {"weight_bits": SPEED_FORMS[form], "cache_bits": 32}
        work = step_work(GPT2_SMALL, new=1, past=17.5, batch=batch, **bits)
        bound_s = float(step_seconds(work, **roof))
        own_s = float(decoder_seconds(work, ceilings[form], layers=GPT2_SMALL.layers))
        measured_s = min(found)
        print(
            f"batch {batch:2} {form:8} {1e3 * measured_s:6.1f} ms, roofline "
            f"{1e3 * bound_s:6.1f} ({bound_s / measured_s - 1:+.0%}), ceilings per kernel "
            f"{1e3 * own_s:6.1f} ({own_s / measured_s - 1:+.0%})"
        )
