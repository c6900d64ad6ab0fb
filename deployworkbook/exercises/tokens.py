"""Exercises of lesson 14 on what a decoder computes and keeps: intensity, caches, blocks."""

from __future__ import annotations

from deployworkbook.exercises.declaration import Exercise, GuessQuestion, Mistake

# Rows, columns, sequences, bits per weight.
MATRICES = ((1000, 500, 1, 32.0), (4096, 4096, 16, 4.5))
# Layers, heads of keys and values, width of a head, tokens, sequences, bits.
CACHES = ((3, 2, 10, 100, 5, 16), (32, 8, 128, 8000, 40, 8))
# Bits, weights per block, bits per scale, bits per zero point.
BLOCKS = ((4, 32, 16, 0), (3, 128, 16, 3), (2, 16, 32, 2))


def _intensity(
    rows: float, columns: float, sequences: float, weight_bits: float, *, reads: float = 1.0
) -> float:
    moved = reads * rows * columns * weight_bits / 8 + 4 * sequences * (rows + columns)
    return 2 * sequences * rows * columns / moved


def _cache(
    layers: float, kv_heads: float, head_width: float, tokens: float, sequences: float, bits: float
) -> float:
    return 2 * layers * kv_heads * head_width * tokens * sequences * bits / 8


EXERCISES = (
    Exercise(
        id="tokens.intensity",
        expected="a function of rows, columns, sequences and weight_bits that returns operations "
        "per byte",
        reference=lambda rows, columns, sequences, weight_bits: _intensity(
            rows, columns, sequences, weight_bits
        ),
        cases=MATRICES,
        hints=(
            "How many operations does one weight take part in, and how often is it read?",
            "Operations: 2 * sequences * rows * columns. The weights are read once, whatever the "
            "number of sequences; each sequence has rows inputs and columns outputs of 4 bytes.",
            "2 * sequences * rows * columns / (rows * columns * weight_bits / 8 "
            "+ 4 * sequences * (rows + columns))",
        ),
        mistakes=(
            Mistake(
                lambda rows, columns, sequences, bits: (
                    _intensity(rows, columns, sequences, bits) / 2
                ),
                "You have counted the multiplications only. Each is followed by an addition.",
            ),
            Mistake(
                lambda rows, columns, sequences, bits: _intensity(
                    rows, columns, sequences, bits * 8
                ),
                "The weights' size is in bits, and a byte has eight.",
            ),
            Mistake(
                lambda rows, columns, sequences, bits: _intensity(
                    rows, columns, sequences, bits, reads=sequences
                ),
                "You have read the weights once for each sequence. They are read once for all of "
                "them; that is what batching is for.",
            ),
            Mistake(
                lambda rows, columns, sequences, bits: 16 * sequences / bits,
                "The inputs and outputs are missing. They are few beside one vector, but with many "
                "sequences they count.",
            ),
            Mistake(
                lambda rows, columns, sequences, bits: (
                    2
                    * sequences
                    * rows
                    * columns
                    / (bits / 8 * (rows * columns + sequences * (rows + columns)))
                ),
                "Inputs and outputs have 4 bytes each, whatever the bits of the weights.",
            ),
            Mistake(
                lambda rows, columns, sequences, bits: (
                    1 / _intensity(rows, columns, sequences, bits)
                ),
                "Those are bytes per operation. Intensity is operations per byte.",
            ),
        ),
    ),
    Exercise(
        id="tokens.cache_bytes",
        expected="a function of layers, kv_heads, head_width, tokens, sequences and bits that "
        "returns a number of bytes",
        reference=_cache,
        cases=CACHES,
        hints=(
            "What is kept for one token, in one layer?",
            "A key and a value, each with kv_heads * head_width numbers, in each layer, for each "
            "token of each sequence.",
            "2 * layers * kv_heads * head_width * tokens * sequences * bits / 8",
        ),
        mistakes=(
            Mistake(
                lambda *sizes: _cache(*sizes) / 2,
                "You have counted the keys or the values. Both are kept.",
            ),
            Mistake(
                lambda *sizes: _cache(*sizes) * 8,
                "Those are bits. A byte has eight.",
            ),
            Mistake(
                lambda layers, *sizes: _cache(1, *sizes),
                "That is the cache of one layer. Each layer has keys and values of its own.",
            ),
            Mistake(
                lambda layers, heads, width, tokens, sequences, bits: _cache(
                    layers, heads, width, tokens, 1, bits
                ),
                "That is the cache of one sequence. Sequences share weights, but no keys or "
                "values.",
            ),
            Mistake(
                lambda layers, heads, width, tokens, sequences, bits: _cache(
                    layers, heads, 1, tokens, sequences, bits
                ),
                "Each head has head_width numbers per key, not one.",
            ),
            Mistake(
                lambda layers, heads, width, tokens, sequences, bits: _cache(
                    layers, 1, width, tokens, sequences, bits
                ),
                "That is the cache of one head. Each head has keys and values of its own.",
            ),
            Mistake(
                lambda layers, heads, width, tokens, sequences, bits: _cache(
                    layers, heads, width, 1, sequences, bits
                ),
                "That is the cache of one token. Each token that a sequence has so far is kept.",
            ),
        ),
    ),
    Exercise(
        id="tokens.bits_per_weight",
        expected="a function of bits, block_size, scale_bits and zero_point_bits that returns bits "
        "per weight",
        reference=lambda bits, block_size, scale_bits, zero_point_bits: (
            bits + (scale_bits + zero_point_bits) / block_size
        ),
        cases=BLOCKS,
        hints=(
            "How many bits does a whole block take?",
            "block_size * bits for the codes, and once a scale and a zero point. Divide by the "
            "number of weights.",
            "bits + (scale_bits + zero_point_bits) / block_size",
        ),
        mistakes=(
            Mistake(
                lambda bits, block_size, scale_bits, zero_point_bits: bits,
                "Each block has a scale, too, and perhaps a zero point.",
            ),
            Mistake(
                lambda bits, block_size, scale_bits, zero_point_bits: (
                    bits + scale_bits + zero_point_bits
                ),
                "The weights of a block share one scale.",
            ),
            Mistake(
                lambda bits, block_size, scale_bits, zero_point_bits: (
                    bits + scale_bits / block_size
                ),
                "The zero point is missing.",
            ),
            Mistake(
                lambda bits, block_size, scale_bits, zero_point_bits: (
                    (bits + scale_bits + zero_point_bits) / block_size
                ),
                "You have divided the bits of the code as well. Every weight has a code of its "
                "own; only the scale and the zero point are shared.",
            ),
            Mistake(
                lambda bits, block_size, scale_bits, zero_point_bits: (
                    bits * block_size + scale_bits + zero_point_bits
                ),
                "Those are the bits of a whole block.",
            ),
        ),
    ),
)

PREDICTIONS = (
    GuessQuestion(
        id="tokens.batch",
        question="We multiply a large matrix by one vector, then by 16 vectors at once. How much "
        "time does each vector take in the second case, compared with the first?",
        choices=("as much", "a fraction", "more"),
        answer="a fraction",
        reason="The weights are read once for all 16 vectors, so the vectors share the time of "
        "reading. What each of them adds is arithmetic, and the processor has time for that while "
        "it waits for memory.",
    ),
    GuessQuestion(
        id="tokens.cache",
        question="The 70 billion weights of llama-3.1-70b take 141 GB in 16 bits. A hundred users "
        "at once have conversations of 8,000 tokens each. How much memory do their caches take?",
        choices=("about 3 GB", "about 30 GB", "more than the weights"),
        answer="more than the weights",
        reason="A token's keys and values take 2 · 80 layers · 8 heads · 128 numbers · 2 bytes, or "
        "328 kB. That times 800,000 tokens is 262 GB.",
    ),
    GuessQuestion(
        id="tokens.outlier",
        question="One weight of a matrix is 100 times as large as a typical one. The whole matrix "
        "gets one scale, and 4 bits per weight. What becomes of the typical weights?",
        choices=("they lose a little precision", "half of them become 0", "nearly all become 0"),
        answer="nearly all become 0",
        reason="With 4 bits, the largest weight is 8 steps, so a step is 12 typical weights. "
        "Whatever is smaller than half a step is rounded to 0.",
    ),
    GuessQuestion(
        id="tokens.phases",
        question="The same model reads a prompt of some dozens of tokens, and then writes as many. "
        "Which takes longer?",
        choices=("reading", "both about equally long", "writing"),
        answer="writing",
        reason="A prompt is known, so all of its tokens go through each matrix together: the "
        "weights are read once. To write a token, the model needs the one before, so it reads all "
        "weights again for each.",
    ),
)
