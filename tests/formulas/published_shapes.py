"""The sizes of well-known decoders, as their papers and released settings give them."""

from __future__ import annotations

from dataclasses import replace

from deployworkbook.formulas.transformer_shape import TransformerShape
from deployworkbook.runtimes.decoder_graph import GPT2_SMALL

GPT2_XL = replace(
    GPT2_SMALL, layers=48, width=1600, heads=25, kv_heads=25, hidden=6400, head_width=64
)
GPT3 = TransformerShape(
    layers=96,
    width=12288,
    heads=96,
    kv_heads=96,
    hidden=49152,
    vocabulary=50257,
    context=2048,
    family="gpt2",
    tied=True,
)
LLAMA2_7B = TransformerShape(
    layers=32,
    width=4096,
    heads=32,
    kv_heads=32,
    hidden=11008,
    vocabulary=32000,
    context=4096,
)
LLAMA2_70B = TransformerShape(
    layers=80,
    width=8192,
    heads=64,
    kv_heads=8,
    hidden=28672,
    vocabulary=32000,
    context=4096,
)
LLAMA3_70B = replace(LLAMA2_70B, vocabulary=128256, context=8192)
MIXTRAL = TransformerShape(
    layers=32,
    width=4096,
    heads=32,
    kv_heads=8,
    hidden=14336,
    vocabulary=32000,
    context=32768,
    experts=8,
    active_experts=2,
)
QWEN2_HALF_B = TransformerShape(
    layers=24,
    width=896,
    heads=14,
    kv_heads=2,
    hidden=4864,
    vocabulary=151936,
    context=32768,
    tied=True,
    attention_biases=True,
)
