"""Write a version under a hidden name and flush it to disk; leave nothing behind on failure."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from deployworkbook.runtimes.provenance import FILE_NAME as PROVENANCE
from deployworkbook.serving.api.model_files import FILES, LITERT, ONNX, model_file
from deployworkbook.serving.api.version_folders import versions_below
from deployworkbook.serving.repository.interface import Interface, adapt, interface_of
from deployworkbook.serving.repository.published import ABOUT, Publication, hashes_of
from deployworkbook.validation import describe, value_error
from deployworkbook.workspace.files import flush

_PREFIX = ".publishing-"
_LOCK_SUFFIX = ".lock"
# Held while the locks of single publications are created and examined.
_GUARD = ".publish.lock"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# TensorFlow has its own error classes, and naming them would need TensorFlow.
_FULL_TEXTS = tuple(os.strerror(number) for number in _FULL)


@contextmanager
def prepared(
    base_path: Path,
    source: Any,
    variant: str,
    note: str,
    *,
    parent: int | None = None,
    made_by: str = "",
) -> Iterator[Path]:
    """Write a version under a hidden name, which the block renames; clean up if it fails.

    A lock beside it distinguishes a publication in progress from one that was killed.

    Args:
        base_path: The folder of versions.
        source: See ``ModelRepository.publish``.
        variant: The variant's name (default: the source's).
        note: A note to record.
        parent: Number of the version it came from.
        made_by: What made it from that one.

    Raises:
        FileNotFoundError: The source doesn't exist.
        OSError: The disk is full, or the folder can't be written.
        ValueError: The source is no model that a server takes, and can't become one.
    """
    unfinished = base_path / f"{_PREFIX}{uuid.uuid4().hex}"
    lock_path = Path(f"{unfinished}{_LOCK_SUFFIX}")
    own = FileLock(lock_path)
    with FileLock(base_path / _GUARD):
        _remove_leftovers(base_path)
        own.acquire()
    try:
        with explained(base_path):
            origin = _write(source, unfinished)
            adapt(unfinished, _newest_interface(base_path))
            Publication(
                variant or origin.get("variant", ""),
                note or origin.get("note", ""),
                datetime.now(UTC).isoformat(timespec="seconds"),
                hashes_of(unfinished),
                origin,
                parent,
                made_by,
            ).write(unfinished)
            for path in (*unfinished.rglob("*"), unfinished):
                flush(path)
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        lock_path.unlink(missing_ok=True)
        own.release()


def _newest_interface(base_path: Path) -> Interface | None:
    """Return the names of the newest version's inputs and outputs."""
    present = versions_below(base_path)
    return interface_of(present[max(present)]) if present else None


def _remove_leftovers(base_path: Path) -> None:
    """Delete what killed publishers left behind: hidden folders whose lock is free."""
    names = {path.name.removesuffix(_LOCK_SUFFIX) for path in base_path.glob(f"{_PREFIX}*")}
    for name in names:
        lock_path = base_path / f"{name}{_LOCK_SUFFIX}"
        try:
            with FileLock(lock_path, timeout=0):
                shutil.rmtree(base_path / name, ignore_errors=True)
                lock_path.unlink(missing_ok=True)
        except Timeout:
            continue  # a publication in progress


def _write(source: Any, target: Path) -> dict[str, Any]:
    """Write the source's files; return the source's own record."""
    # A variant holds a Keras model, a LiteRT file or an ONNX file.
    is_variant = hasattr(source, "flatbuffer")
    record = {"variant": source.name, "note": source.note} if is_variant else {}
    for kind, content in (
        (LITERT, getattr(source, "flatbuffer", None)),
        (ONNX, getattr(source, "onnx", None)),
    ):
        if isinstance(content, bytes):
            target.mkdir()
            (target / FILES[kind][0]).write_bytes(content)
            return record
    model = source.model if is_variant else source
    if hasattr(model, "export"):
        # Keras prints the signature at every verbosity.
        with contextlib.redirect_stdout(io.StringIO()):
            model.export(target)
        return record
    path = getattr(source, "path", source)
    if not isinstance(path, str | os.PathLike):
        expected = "a folder with a model, a Keras model or a variant"
        raise value_error("source", received=describe(source), expected=expected)
    return _copy(Path(path), target)


def _copy(source: Path, target: Path) -> dict[str, Any]:
    if not source.is_dir():
        raise FileNotFoundError(
            f"{source} is not a folder, where one with a model was expected. Export the model "
            "first."
        )
    if model_file(source) is None:
        names = [name for kind in FILES.values() for name in kind[:1]]
        raise value_error(
            str(source),
            received=f"none of {', '.join(names)}",
            expected="a SavedModel, a LiteRT file or an ONNX file",
            remedy="Export the model as one: model.export(path), or a runtime's export.",
        )
    needed = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        text = f"the model takes {needed:,} bytes, and {free:,} are free"
        raise OSError(errno.ENOSPC, text)
    shutil.copytree(source, target)
    # Of a published version: what was written about it holds for that one alone.
    for name in ABOUT:
        (target / name).unlink(missing_ok=True)
    # The artifact's record becomes part of the version's.
    record = target / PROVENANCE
    if not record.is_file():
        return {}
    origin: dict[str, Any] = json.loads(record.read_text("utf-8"))
    record.unlink()
    return origin


@contextmanager
def explained(base_path: Path) -> Iterator[None]:
    """Explain what to delete if the disk is full."""
    try:
        yield
    except Exception as error:
        number = getattr(error, "errno", None)
        # copytree raises one error for all files, without a number.
        is_full = number in _FULL or any(text in str(error) for text in _FULL_TEXTS)
        if not is_full:
            raise
        free = shutil.disk_usage(base_path).free
        raise OSError(
            number or errno.ENOSPC,
            f"No room to publish in {base_path} ({error}); {free:,} bytes are free, and nothing "
            "was left behind. Delete old versions with prune(keep=1), or other files, and publish "
            "again.",
        ) from error
