"""Receive a file over a link that breaks: continue where it broke, and check the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deployworkbook.runtimes.provenance import sha256_of
from deployworkbook.validation import check_integer, value_error
from deployworkbook.workspace.files import flush, full_path

# Reads so many bytes from so far on: ``source(offset, size)``.
Source = Callable[[int, int], bytes]


@dataclass(frozen=True)
class Received:
    """A file that has arrived whole.

    Args:
        path: The file.
        resumed_bytes: Bytes that earlier calls had received.
        received_bytes: Bytes that this call received.
    """

    path: Path
    resumed_bytes: int
    received_bytes: int


def receive(
    source: Source, target: Path, *, size_bytes: int, sha256: str, chunk_bytes: int = 4096
) -> Received:
    """Receive a file; call it again after an interruption, and it continues.

    What has arrived is kept beside the target, as ``TARGET.part``, and becomes the target once its
    hash is right.

    Args:
        source: Function that returns bytes of the file, from an offset and a size. What it raises
            (``ConnectionError``, say) ends the call, and loses nothing.
        target: Where to write the file.
        size_bytes: The file's size, from a trusted place.
        sha256: Its SHA-256 in hexadecimal digits, from the same place.
        chunk_bytes: Bytes to ask for at a time, at least 1.

    Raises:
        ValueError: All bytes have arrived, and the hash differs. They are deleted.

    >>> from hashlib import sha256
    >>> from tempfile import TemporaryDirectory
    >>> content = bytes(10_000)
    >>> with TemporaryDirectory() as folder:
    ...     received = receive(
    ...         lambda offset, size: content[offset : offset + size],
    ...         Path(folder, "patch"),
    ...         size_bytes=len(content),
    ...         sha256=sha256(content).hexdigest(),
    ...     )
    >>> received.received_bytes
    10000
    """
    size = check_integer("size_bytes", size_bytes, 0)
    step = check_integer("chunk_bytes", chunk_bytes, 1)
    goal = full_path(Path(target))
    if goal.exists() and goal.stat().st_size == size and sha256_of(goal) == sha256:
        return Received(goal, resumed_bytes=size, received_bytes=0)
    goal.parent.mkdir(parents=True, exist_ok=True)
    part = goal.with_name(f"{goal.name}.part")
    with part.open("ab") as file:
        if file.tell() > size:
            file.truncate(0)
        first = done = file.seek(0, 2)
        while done < size:
            content = source(done, min(step, size - done))
            if not content or len(content) > size - done:
                raise value_error(
                    str(target),
                    received=f"{len(content)} bytes at {done:,}",
                    expected=f"{size:,} bytes in all",
                    remedy="Check the address and the size.",
                )
            file.write(content)
            file.flush()
            done += len(content)
    if sha256_of(part) != sha256:
        part.unlink()
        raise ValueError(
            f"{target} arrived damaged: its hash differs from the announced one. What had arrived "
            "is deleted. Receive it again, from a source that you trust."
        )
    flush(part)
    part.replace(goal)
    flush(goal.parent)
    return Received(goal, resumed_bytes=first, received_bytes=size - first)
