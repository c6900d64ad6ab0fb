"""Choose what runs a version, by the files in its folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deployworkbook.serving.api.model_files import LITERT, ONNX, model_file
from deployworkbook.serving.embedded.engine import Engine
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.flags import Options

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def read_trusted(path: Path | None) -> Ed25519PublicKey | None:
    """Read the key of ``--trusted_key_file``; ``None`` if any version may be served.

    Args:
        path: A PEM file, or ``None``.

    Raises:
        OSError: The file can't be read.
        ValueError: It holds no public key.
    """
    if path is None:
        return None
    from deployworkbook.serving.signing.keys import read_public_key

    return read_public_key(path)


@contextmanager
def trusted_folder(path: Path, trusted: Ed25519PublicKey | None) -> Iterator[Path]:
    """Lend the folder that a version may be loaded from.

    With a key, that is a copy of the bytes whose signature and hashes were right.

    Args:
        path: The version's folder.
        trusted: The publisher's key; ``None`` if any version may be served.

    Raises:
        ServingError: The version isn't signed, or was altered. Nothing of it was opened.
    """
    if trusted is None:
        yield path
        return
    from deployworkbook.serving.signing.manifest import SignatureError, verified_copy

    with ExitStack() as held:
        try:
            copy = held.enter_context(verified_copy(path, trusted))
        except (SignatureError, OSError) as error:
            raise ServingError(Code.FAILED_PRECONDITION, str(error)) from error
        yield copy


def open_engine(path: Path, options: Options) -> Engine:
    """Load a version's model.

    As in TensorFlow Serving, a SavedModel comes first, unless ``--prefer_tflite_model`` is given
    and there is a ``model.tflite``. This server also takes a ``model.onnx``, if there is no other.
    Each engine is imported when it is first needed: TensorFlow takes seconds.

    Args:
        path: The version's folder.
        options: The server's options.

    Raises:
        ServingError: The folder has no model that can be loaded.
    """
    threads = options.tensorflow_intra_op_parallelism
    kind = model_file(path, prefer_litert=options.prefer_tflite_model)
    if kind == LITERT:
        if not options.prefer_tflite_model:
            raise ServingError(
                Code.NOT_FOUND,
                f"{path} has model.tflite and no SavedModel. Start the server with "
                "--prefer_tflite_model to serve LiteRT files.",
            )
        from deployworkbook.serving.embedded.litert_engine import LiteRTEngine

        each = options.num_tflite_interpreters_per_pool or os.cpu_count() or 1
        most = options.num_tflite_pools * each
        return LiteRTEngine(path, interpreters=most, threads=threads or 1)
    if kind == ONNX:
        from deployworkbook.serving.embedded.onnx_engine import ONNXEngine

        return ONNXEngine(path, threads=threads or 1)
    # A folder without any gets TensorFlow's error, which names what it looked for.
    from deployworkbook.serving.embedded.savedmodel_engine import SavedModelEngine

    tags = [tag for tag in options.saved_model_tags.split(",") if tag]
    return SavedModelEngine(path, tags=tags, threads=threads)
