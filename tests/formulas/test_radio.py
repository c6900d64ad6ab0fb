"""Radio: packets, time on the air, and energy."""

import numpy as np
import pytest

from deployworkbook.formulas.radio import air_time_s, packet_count, session_energy_mj

LORA = {"packet_bytes": 51, "header_bytes": 26, "bits_per_s": 250}


def test_a_message_of_nothing_takes_a_packet():
    assert packet_count(0, packet_bytes=51) == 1
    # 8 · 26 bits at 250 per second.
    assert float(air_time_s(0, **LORA)) == pytest.approx(0.832)


def test_each_packet_carries_a_header():
    sizes = np.arange(1, 500)
    times = air_time_s(sizes, **LORA)
    packets = packet_count(sizes, packet_bytes=51)
    np.testing.assert_allclose(times * 250 / 8 - sizes, 26 * packets)
    assert (np.diff(times) > 0).all()
    # One byte more than fits costs a header more.
    assert times[51] - times[50] == pytest.approx(8 * (1 + 26) / 250)


def test_energy_by_hand():
    # 10 mA at 3.3 V for 2 s are 66 mJ, and 4 for the session.
    found = session_energy_mj(2.0, current_ma=10, supply_volts=3.3, session_mj=4)
    assert float(found) == pytest.approx(70)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: packet_count(-1, packet_bytes=51), "payload_bytes"),
        (lambda: packet_count(1, packet_bytes=0), "packet_bytes"),
        (lambda: air_time_s(1, packet_bytes=9, header_bytes=0, bits_per_s=0), "bits_per_s"),
        (lambda: air_time_s(1, packet_bytes=9, header_bytes=-1, bits_per_s=1), "header_bytes"),
        (
            lambda: session_energy_mj(-1, current_ma=1, supply_volts=1, session_mj=0),
            "air_s",
        ),
    ],
)
def test_numbers_out_of_range_are_refused(call, match):
    with pytest.raises(ValueError, match=match):
        call()
