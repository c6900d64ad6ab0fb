"""The platforms by name; each is imported only when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployworkbook.runtimes.base import Runtime, UnavailableError
from deployworkbook.validation import check_choice

if TYPE_CHECKING:
    from deployworkbook.runtimes.onnx_decoder import Decoder


@dataclass(frozen=True)
class Platform:
    """Where a runtime's class is, and what it needs.

    Args:
        module: Module of the class.
        class_name: Name of the class.
        packages: Packages needed to export and to run, by the module that is imported.
        options: Arguments of the class.
        obstacle: Name of the module's function, if any, that returns why this machine cannot run
            it; an empty text if it can.
    """

    module: str
    class_name: str
    packages: Mapping[str, str]
    options: Mapping[str, object] = field(default_factory=dict)
    obstacle: str = ""


_TENSORFLOW = {"tensorflow": "tensorflow", "tf_keras": "tf_keras"}
_LITERT = {"ai_edge_litert": "ai-edge-litert"}
_ONNX = {"onnxruntime": "onnxruntime", "onnx": "onnx", "tf2onnx": "tf2onnx"}
_OPENVINO = {"openvino": "openvino", "onnx": "onnx", "tf2onnx": "tf2onnx"}

# By their names in the ledger.
RUNTIMES = {
    "keras": Platform("deployworkbook.runtimes.keras", "KerasRuntime", _TENSORFLOW),
    "numpy": Platform("deployworkbook.runtimes.numpy", "NumPyRuntime", {}),
    "savedmodel": Platform("deployworkbook.runtimes.savedmodel", "SavedModelRuntime", _TENSORFLOW),
    "litert": Platform("deployworkbook.runtimes.litert", "LiteRTRuntime", _LITERT),
    "onnx": Platform("deployworkbook.runtimes.onnx", "ONNXRuntime", _ONNX),
    "openvino": Platform("deployworkbook.runtimes.openvino", "OpenVINORuntime", _OPENVINO),
    "openvino-bf16": Platform(
        "deployworkbook.runtimes.openvino",
        "OpenVINORuntime",
        _OPENVINO,
        options={"precision": "bf16"},
        obstacle="bfloat16_obstacle",
    ),
}

# The model as C, compiled for this machine, or for a microcontroller's core that is emulated. They
# are no part of the comparison of platforms, since an emulated core has no time of its own.
EDGE_RUNTIMES = {
    "host-c": Platform(
        "deployworkbook.edge.host", "HostCRuntime", _LITERT, obstacle="compiler_obstacle"
    ),
    "cortex-m0plus": Platform(
        "deployworkbook.edge.emulated",
        "CortexM0PlusRuntime",
        _LITERT | {"ziglang": "ziglang", "unicorn": "unicorn"},
    ),
}
PLATFORMS = RUNTIMES | EDGE_RUNTIMES

# What runs a language model's decoder from the ONNX file that ``decoder_onnx`` writes.
DECODERS = {
    "onnx": Platform(
        "deployworkbook.runtimes.onnx_decoder",
        "ONNXDecoder",
        {"onnxruntime": "onnxruntime", "onnx": "onnx"},
    ),
    "openvino": Platform(
        "deployworkbook.runtimes.openvino_decoder",
        "OpenVINODecoder",
        {"openvino": "openvino", "onnx": "onnx"},
    ),
}


def runtime(name: str) -> Runtime:
    """Return a runtime by name.

    Args:
        name: One of ``PLATFORMS``, such as ``litert``.

    Raises:
        ValueError: There is no such runtime; the message lists those there are.
        UnavailableError: It doesn't work here; the message says why, and what to install.
    """
    entry = PLATFORMS[check_choice("runtime", name, PLATFORMS)]
    platform: Runtime = _class_of(name, entry)(**entry.options)
    return platform


def open_decoder(name: str, source: bytes | Path, *, threads: int = 1) -> Decoder:
    """Open a decoder's ONNX file with one of the platforms that can run it.

    Args:
        name: One of ``DECODERS``: ``onnx`` or ``openvino``.
        source: The file's bytes, or its path.
        threads: Threads per call; 0 for one per core.

    Returns:
        The decoder, whose ``start()`` returns a sequence that takes tokens and returns logits.

    Raises:
        ValueError: There is no such platform, or it can't run the file.
        UnavailableError: It doesn't work here; the message says why, and what to install.
    """
    entry = DECODERS[check_choice("runtime", name, DECODERS)]
    decoder: Decoder = _class_of(name, entry)(source, threads=threads)
    return decoder


def available() -> list[str]:
    """List the runtimes that work here."""
    return [name for name, entry in RUNTIMES.items() if not _obstacle(entry)]


def unavailable() -> dict[str, str]:
    """Return why each of the other runtimes doesn't work here, and what to install."""
    return {name: reason for name, entry in RUNTIMES.items() if (reason := _obstacle(entry))}


def uninstalled() -> list[str]:
    """Return the runtimes that don't work here only because a package is missing."""
    return [name for name, entry in RUNTIMES.items() if _missing(entry)]


def _class_of(name: str, entry: Platform) -> Any:
    if reason := _obstacle(entry):
        raise UnavailableError(f"{name}: {reason}")
    return getattr(import_module(entry.module), entry.class_name)


def _obstacle(entry: Platform) -> str:
    if missing := _missing(entry):
        return f"not installed: {', '.join(missing)}. Install it: pip install {' '.join(missing)}"
    if entry.obstacle:
        reason: str = getattr(import_module(entry.module), entry.obstacle)()
        return reason
    return ""


def _missing(entry: Platform) -> list[str]:
    return [package for module, package in entry.packages.items() if not find_spec(module)]
