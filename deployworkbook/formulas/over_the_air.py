"""Updates over the air: bytes, time on the link, and whole files against patches."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deployworkbook.validation import check_array, value_error

Array = NDArray[np.float64]


def sendings_per_packet(loss_share: ArrayLike) -> Array:
    """Return how often a packet is sent until it arrives, on average.

        1 / (1 - p)

    Args:
        loss_share: p, share of the packets that are lost, independently, from 0 to below 1; any
            shape.

    Returns:
        In the argument's shape.

    Raises:
        ValueError: A share is out of range.

    >>> sendings_per_packet([0.0, 0.2, 0.5]).tolist()
    [1.0, 1.25, 2.0]
    """
    return np.asarray(1 / (1 - _share("loss_share", loss_share)))


def patched_bytes(
    patch_bytes: ArrayLike, full_bytes: ArrayLike, *, outdated_share: ArrayLike
) -> Array:
    """Return the bytes that an update by a patch takes per device, on average.

        B = p + m f

    A patch needs the version that it was made from. Devices without it find that out from the
    patch, and then take the whole file.

    Args:
        patch_bytes: p, at least 0; any shape.
        full_bytes: f, bytes of the whole file, at least 0.
        outdated_share: m, share of the devices with another version, from 0 to below 1.

    Returns:
        Bytes, in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> float(patched_bytes(1000, 6000, outdated_share=0.05))
    1300.0
    """
    patch = check_array("patch_bytes", patch_bytes, low=0)
    full = check_array("full_bytes", full_bytes, low=0)
    return np.asarray(patch + _share("outdated_share", outdated_share) * full)


def transfer_s(air_s: ArrayLike, *, duty_share: ArrayLike = 1.0) -> Array:
    """Return how long a transfer takes where a sender must pause.

        T = t / d

    Args:
        air_s: t, seconds on the air, at least 0; any shape.
        duty_share: d, share of the time in which it may send, above 0 and at most 1: 0.01 in some
            of Europe's free bands.

    Returns:
        Seconds, in the arguments' common shape.

    Raises:
        ValueError: A number is out of range.

    >>> float(transfer_s(36, duty_share=0.01)) / 3600  # 36 seconds on the air take an hour
    1.0
    """
    duty = check_array("duty_share", duty_share, low=0, open_low=True)
    if (duty > 1).any():
        raise value_error("duty_share", received=f"{duty.max():g}", expected="at most 1")
    return np.asarray(check_array("air_s", air_s, low=0) / duty)


def _share(name: str, value: ArrayLike) -> Array:
    share = check_array(name, value, low=0)
    if (share >= 1).any():
        raise value_error(name, received=f"{share.max():g}", expected="below 1")
    return share
