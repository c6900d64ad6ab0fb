"""Fingerprints of errors: the same fault gets the same one, whatever numbers its message has."""

from __future__ import annotations

import hashlib
import re

# A message's longest part that is kept. Servers quote requests, and a request is somebody's image.
LONGEST_TEXT = 200

_REPLACED = (
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<address>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"(?<![A-Za-z_])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"), "#"),
    # Whatever is in a list is data.
    (re.compile(r"#(?:[\s,;\]\[]+#){2,}"), "#…"),
)


def general_text(said: str) -> str:
    """Replace what differs from one occurrence of an error to the next, and all data.

    Args:
        said: The error's message.

    Returns:
        At most ``LONGEST_TEXT`` characters, without numbers.

    >>> general_text("input 3 has shape [1, 28, 28], at 0x7f3a after 12.5 ms")
    'input # has shape [#…], at <address> after # ms'
    """
    # Cut first: a message may be as long as the request that it quotes.
    text = said[: 20 * LONGEST_TEXT]
    for pattern, word in _REPLACED:
        text = pattern.sub(word, text)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def fingerprint(code: str, said: str) -> str:
    """Return an error's fingerprint: twelve hexadecimal digits.

    Args:
        code: The error's code, such as ``INTERNAL``, or the name of an exception.
        said: Its message.

    >>> fingerprint("INTERNAL", "took 3.1 ms") == fingerprint("INTERNAL", "took 27 ms")
    True
    >>> fingerprint("INTERNAL", "took 3.1 ms") == fingerprint("UNAVAILABLE", "took 3.1 ms")
    False
    """
    content = f"{code}\n{general_text(said)}"
    return hashlib.sha256(content.encode(errors="replace")).hexdigest()[:12]
