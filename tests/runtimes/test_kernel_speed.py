"""Ceilings per kernel, measured with decoders that take a known time."""

import numpy as np
import pytest

from deployworkbook.formulas.kernel_ceilings import (
    DecoderCeiling,
    KernelCeiling,
    decoder_seconds,
)
from deployworkbook.formulas.token_costs import step_work
from deployworkbook.runtimes import decoding_speed
from deployworkbook.runtimes.kernel_speed import measure_ceilings

TRUE = {
    "float32": DecoderCeiling(KernelCeiling(8e10, 1.5e10), 5e9, 5e-5),
    "4 bits": DecoderCeiling(KernelCeiling(7e10, 2.5e10), 4e9, 6e-5),
}
BITS = {"float32": 32.0, "4 bits": 5.0}


class Clocked:
    """A decoder that computes nothing, but moves a clock on."""

    def __init__(self, clock, name, shape):
        self.clock, self.name, self.shape = clock, name, shape
        self.positions = 0

    def start(self):
        return Clocked(self.clock, self.name, self.shape)

    def __call__(self, tokens):
        batch, new = tokens.shape
        sizes = {"new": new, "past": self.positions, "batch": batch}
        bits = {"weight_bits": BITS[self.name], "cache_bits": 32}
        work = step_work(self.shape, **sizes, **bits)
        self.clock[0] += float(decoder_seconds(work, TRUE[self.name], layers=self.shape.layers))
        self.positions += new
        return np.zeros((batch, self.shape.vocabulary), np.float32)


def test_known_times_give_back_the_ceilings(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(decoding_speed, "processor_clock", lambda: lambda: clock[0])
    forms = {name: lambda shape, name=name: Clocked(clock, name, shape) for name in TRUE}
    rounds = []
    found = measure_ceilings(
        forms, weight_bits=BITS, rounds=2, beside=lambda: rounds.append(clock[0])
    )
    assert len(rounds) == 2
    for name, expected in TRUE.items():
        product = found[name].product
        assert product.operations_per_s == pytest.approx(
            expected.product.operations_per_s, rel=0.05
        )
        assert product.bytes_per_s == pytest.approx(expected.product.bytes_per_s, rel=0.05)
        # The smallest decoder's own matrices count as overhead.
        assert found[name].cache_bytes_per_s == pytest.approx(expected.cache_bytes_per_s, rel=0.1)
        assert found[name].layer_s == pytest.approx(expected.layer_s, rel=0.2)


def test_forms_without_their_bits_are_refused():
    with pytest.raises(ValueError, match="float32, 4 bits"):
        measure_ceilings(dict.fromkeys(TRUE), weight_bits={"float32": 32.0})
