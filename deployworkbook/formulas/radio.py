"""Radio: how long a message is on the air, and what sending or receiving it takes.

A small device spends most of its energy on its radio. Each packet carries a header, and each
session has a price of its own, however little is sent.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array

Array = NDArray[np.float64]


def packet_count(payload_bytes: ArrayLike, *, packet_bytes: ArrayLike) -> Array:
    """Return the number of packets that a message takes.

        k = max(1, ⌈B / p⌉)

    Args:
        payload_bytes: B, bytes of the message, at least 0; any shape.
        packet_bytes: p, payload of a packet at most, above 0.

    Returns:
        In the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> packet_count([1, 51, 784], packet_bytes=51).tolist()
    [1.0, 1.0, 16.0]
    """
    message = check_array("payload_bytes", payload_bytes, low=0)
    packet = check_array("packet_bytes", packet_bytes, low=0, open_low=True)
    return np.asarray(np.maximum(np.ceil(message / packet), 1.0))


def air_time_s(
    payload_bytes: ArrayLike,
    *,
    packet_bytes: ArrayLike,
    header_bytes: ArrayLike,
    bits_per_s: ArrayLike,
) -> Array:
    """Return how long a message is on the air.

        t = 8 (B + k h) / r,  k packets as in ``packet_count``

    Args:
        payload_bytes: B, bytes of the message, at least 0; any shape.
        packet_bytes: p, payload of a packet at most, above 0.
        header_bytes: h, bytes that each packet carries besides, at least 0.
        bits_per_s: r, bits per second, above 0.

    Returns:
        Seconds, in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> # LoRa at its slowest: one byte, or an image of 28 × 28 pixels in 16 packets.
    >>> times = air_time_s([1, 784], packet_bytes=51, header_bytes=26, bits_per_s=250)
    >>> times.round(2).tolist()
    [0.86, 38.4]
    """
    header = check_array("header_bytes", header_bytes, low=0)
    rate = check_array("bits_per_s", bits_per_s, low=0, open_low=True)
    packets = packet_count(payload_bytes, packet_bytes=packet_bytes)
    return np.asarray(8 * (np.asarray(payload_bytes, np.float64) + packets * header) / rate)


def session_energy_mj(
    air_s: ArrayLike, *, current_ma: ArrayLike, supply_volts: ArrayLike, session_mj: ArrayLike
) -> Array:
    """Return the energy of a session: its price, and the time on the air.

        E = E_0 + U I t

    Args:
        air_s: t, seconds on the air, at least 0; any shape.
        current_ma: I, current while the radio sends (or receives), at least 0.
        supply_volts: U, at least 0.
        session_mj: E_0, what waking, joining and listening take, at least 0.

    Returns:
        Millijoules (milliamperes · volts · seconds), in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> float(session_energy_mj(0.5, current_ma=20, supply_volts=3, session_mj=4))
    34.0
    """
    time = check_array("air_s", air_s, low=0)
    current = check_array("current_ma", current_ma, low=0)
    voltage = check_array("supply_volts", supply_volts, low=0)
    return np.asarray(check_array("session_mj", session_mj, low=0) + voltage * current * time)
