"""Updates over the air: resent packets, patches, and pauses."""

import numpy as np
import pytest

from deployworkbook.formulas.over_the_air import patched_bytes, sendings_per_packet, transfer_s


@pytest.mark.parametrize("loss", [0.0, 0.1, 0.5])
def test_a_packet_is_sent_until_it_arrives(loss):
    tries = np.random.default_rng(0).geometric(1 - loss, 100_000).mean()
    # The mean of 100,000 tries: a standard deviation of at most 0.0045.
    assert float(sendings_per_packet(loss)) == pytest.approx(tries, abs=0.02)


def test_a_patch_as_large_as_the_file_is_worse_than_the_file():
    assert patched_bytes(6000, 6000, outdated_share=0.1) > 6000
    assert patched_bytes(0, 6000, outdated_share=0.1) == pytest.approx(600)


def test_pauses_stretch_a_transfer():
    np.testing.assert_allclose(transfer_s([1.0, 10.0], duty_share=0.01), [100, 1000])
    assert transfer_s(5.0) == 5


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: sendings_per_packet(1.0), "below 1"),
        (lambda: sendings_per_packet(-0.1), "loss_share"),
        (lambda: patched_bytes(-1, 1, outdated_share=0), "patch_bytes"),
        (lambda: patched_bytes(1, 1, outdated_share=1), "outdated_share"),
        (lambda: transfer_s(1, duty_share=0), "duty_share"),
        (lambda: transfer_s(1, duty_share=1.5), "at most 1"),
    ],
)
def test_numbers_out_of_range_are_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
