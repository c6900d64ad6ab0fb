"""Read paths as TensorFlow Serving does: plain, or as ``file://`` URLs."""

from __future__ import annotations

import re
from pathlib import Path

from deployworkbook.validation import value_error

_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9.+-]*)://(?P<rest>.*)", re.DOTALL)


def local_path(text: str) -> Path:
    """Parse a path on this machine.

    Args:
        text: A path, or ``file://`` and an absolute path. As in TensorFlow, percent signs aren't
            decoded.

    Raises:
        ValueError: The text is empty, or names a remote file system or another machine.

    >>> local_path("/models/digits"), local_path("file:///models/digits")
    (PosixPath('/models/digits'), PosixPath('/models/digits'))
    """
    if not text:
        raise value_error("path", received="an empty text", expected="a path")
    address = _ADDRESS.fullmatch(text)
    if address is None:
        return Path(text)
    if address["scheme"].lower() != "file":
        raise value_error(
            "path",
            received=text,
            expected="a path on this machine or file:///…",
            remedy=f"This server doesn't read {address['scheme']}:// file systems: copy the "
            "files to a local folder, or use TensorFlow Serving.",
        )
    host, slash, path = address["rest"].partition("/")
    if not slash or host.lower() not in ("", "localhost"):
        raise value_error(
            "path",
            received=text,
            expected="file:// and an absolute path",
            remedy=f"Is file:///{address['rest']} meant?",
        )
    return Path(f"/{path}")
