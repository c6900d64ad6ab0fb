"""Find, download and read the file of MNIST's 70,000 handwritten digits.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits" (1998), in
the file that Keras distributes.
"""

from __future__ import annotations

import os
import socket
import threading
import zipfile
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from deployworkbook.validation import check_labels, describe, value_error

ENVIRONMENT_VARIABLE = "DEPLOYWORKBOOK_MNIST"
URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
CLASSES = 10
IMAGE_SHAPE = (28, 28)

# Long enough for a slow connection, short enough to wait for if there is none.
CONNECT_TIMEOUT_S = 4.0
READ_TIMEOUT_S = 15.0

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


def keras_cache() -> Path:
    """Return the path where Keras keeps the file after downloading it."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "datasets" / "mnist.npz"


def mnist_file() -> tuple[Path, str] | None:
    """Find the file on this machine, without reading it.

    Returns:
        Its path and where it was found; ``None`` if it is not on this machine. A path from the
        environment variable is returned even if no file is there, so that a typo is noticed.
    """
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        return Path(named).expanduser(), f"named by {ENVIRONMENT_VARIABLE}"
    cached = keras_cache()
    return (cached, "in Keras's cache") if cached.exists() else None


def fetch() -> Path:
    """Download the file into Keras's cache, with a progress bar.

    Raises:
        ConnectionError: The host can't be reached, the transfer was interrupted, or the SHA-256 of
            the downloaded file differs.
    """
    import pooch
    import requests

    # Check first, because a name server that does not answer can block a request for minutes.
    # Behind a proxy, the proxy resolves the name.
    address = urlsplit(URL)
    host, port = str(address.hostname), address.port or 443
    if not requests.utils.get_environ_proxies(URL) and not _answers(host, port, CONNECT_TIMEOUT_S):
        raise ConnectionError(f"no connection to {host} within {CONNECT_TIMEOUT_S:g} s")
    target = keras_cache()
    pooch.get_logger().setLevel("ERROR")
    try:
        pooch.retrieve(
            URL,
            known_hash=SHA256,
            path=target.parent,
            fname=target.name,
            downloader=pooch.HTTPDownloader(
                progressbar=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
            ),
        )
    except (requests.RequestException, OSError) as error:
        raise ConnectionError(f"the download from {host} failed: {error}") from error
    except ValueError as error:  # pooch's error for another hash
        raise ConnectionError(
            f"the file from {host} is not MNIST (its hash differs); it may be a login page"
        ) from error
    return target


def _answers(host: str, port: int, timeout_s: float) -> bool:
    connected = threading.Event()

    def connect() -> None:
        try:
            with socket.create_connection((host, port), timeout=timeout_s):
                connected.set()
        except OSError:
            return

    # A daemon thread, because resolving a name cannot be interrupted.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(timeout_s)
    return connected.is_set()


def read(path: Path) -> tuple[Arrays, Arrays]:
    """Read the training and the test images and their labels.

    Args:
        path: A NumPy archive of ``x_train``, ``y_train``, ``x_test``, ``y_test``: images as uint8,
            shape ``[n, 28, 28]``; labels as whole numbers from 0 to 9, shape ``[n]``.

    Returns:
        ``(images, labels)`` for training, and for testing.

    Raises:
        FileNotFoundError: The file does not exist.
        ValueError: It is damaged, or its arrays have wrong names, types, shapes or ranges.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not a file; MNIST was expected there. {_remedy(path)}")
    try:
        # Opened here, because np.load would leave a file open that is not an archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    except KeyError as error:
        raise ValueError(f"{path} has no array {error}. {_remedy(path)}") from error
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} cannot be read as a NumPy archive; it may be truncated ({error}). "
            f"{_remedy(path)}"
        ) from error
    try:
        return (
            _checked("train", arrays["x_train"], arrays["y_train"]),
            _checked("test", arrays["x_test"], arrays["y_test"]),
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error} {_remedy(path)}") from error


def _checked(part: str, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Arrays:
    name = f"x_{part}"
    if images.dtype != np.uint8 or images.shape[1:] != IMAGE_SHAPE or len(images) == 0:
        raise value_error(
            name, received=describe(images), expected="images of uint8, shape [n, 28, 28]"
        )
    checked = check_labels(f"y_{part}", labels, CLASSES)
    if len(checked) != len(images):
        raise value_error(f"y_{part}", received=f"{len(checked)} labels", expected=f"{len(images)}")
    missing = sorted(set(range(CLASSES)) - set(checked.tolist()))
    if missing:
        raise value_error(
            f"y_{part}", received=f"no example of {missing}", expected="all ten digits"
        )
    return images, checked


def _remedy(path: Path) -> str:
    if os.environ.get(ENVIRONMENT_VARIABLE):
        return (
            f"Set {ENVIRONMENT_VARIABLE} to the path of Keras's mnist.npz, or unset it to use the "
            "data that is found without it."
        )
    return f"Delete {path} to download it again, or use dataset='digits'."
