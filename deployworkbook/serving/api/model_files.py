"""What a version's folder holds: a SavedModel, a LiteRT file or an ONNX file."""

from __future__ import annotations

from pathlib import Path

from deployworkbook.serving.api.version_folders import versions_below

SAVEDMODEL, LITERT, ONNX = "savedmodel", "litert", "onnx"

# Names of the files by which servers recognise a kind. SavedModels are TensorFlow Serving's usual
# kind, LiteRT files need its flag, and ONNX files are for other servers.
FILES = {
    SAVEDMODEL: ("saved_model.pb", "saved_model.pbtxt"),
    LITERT: ("model.tflite",),
    ONNX: ("model.onnx",),
}


def model_file(folder: Path, *, prefer_litert: bool = False) -> str | None:
    """Return the kind of model that a server loads from a version's folder, or ``None``.

    A folder may hold several: then the order is that of ``FILES``.

    Args:
        folder: The version's folder.
        prefer_litert: Whether a LiteRT file comes first, as ``--prefer_tflite_model`` asks for.
    """
    present = [kind for kind, names in FILES.items() if any((folder / n).is_file() for n in names)]
    if prefer_litert and LITERT in present:
        return LITERT
    return present[0] if present else None


def kinds_below(base_path: Path) -> set[str]:
    """Return the kinds of a model's versions on disk; a folder that is missing has none."""
    if not base_path.is_dir():
        return set()
    found = (model_file(folder) for folder in versions_below(base_path).values())
    return {kind for kind in found if kind is not None}
