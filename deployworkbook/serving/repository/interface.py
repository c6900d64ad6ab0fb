"""The names of a version's inputs and outputs, which clients write into their requests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError

from deployworkbook.runtimes.litert_floats import with_float_ends
from deployworkbook.serving.api.messages import SavedModel
from deployworkbook.serving.api.model_files import FILES, LITERT, ONNX, SAVEDMODEL, model_file
from deployworkbook.training.litert_signature import SIGNATURE, read_signatures, with_signature


@dataclass(frozen=True)
class Interface:
    """Names of a model's inputs and outputs, in its default signature.

    Args:
        inputs: In the file's order.
        outputs: In the file's order.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def instead_of(self, own: Interface) -> Interface:
        """Return the names that a new version gets, whose own are ``own``.

        One input and one output can be told from no others, so their names can change.
        """
        both = (self.inputs, self.outputs, own.inputs, own.outputs)
        return self if all(len(names) == 1 for names in both) else own


def interface_of(folder: Path) -> Interface | None:
    """Read the names of a version; ``None`` if they can't be read."""
    kind = model_file(folder)
    try:
        if kind == SAVEDMODEL:
            return _of_savedmodel(folder / FILES[SAVEDMODEL][0])
        if kind == LITERT:
            return _of_litert((folder / FILES[LITERT][0]).read_bytes())
        if kind == ONNX:
            return _of_onnx(folder / FILES[ONNX][0])
    except (OSError, ValueError, DecodeError):
        return None
    return None


def adapt(folder: Path, before: Interface | None) -> None:
    """Prepare a LiteRT or ONNX file in a new version's folder for a server's clients.

    It gets the names of the version before it, so that a client needn't change. A LiteRT file of
    integers gets inputs and outputs of floats, and one without a signature gets one.

    Args:
        folder: The new version's folder.
        before: The names of the version before it, if there is one.

    Raises:
        ValueError: The file can't be read.
    """
    kind = model_file(folder)
    if kind == LITERT:
        path = folder / FILES[LITERT][0]
        content = path.read_bytes()
        own = _of_litert(content)
        path.write_bytes(_adapted_litert(content, own, before.instead_of(own) if before else own))
    elif kind == ONNX:
        path = folder / FILES[ONNX][0]
        own = _of_onnx(path)
        wanted = before.instead_of(own) if before else own
        if wanted != own:
            from deployworkbook.runtimes.onnx_names import rename

            old, new = own.inputs + own.outputs, wanted.inputs + wanted.outputs
            rename(path, dict(zip(old, new, strict=True)))


def _adapted_litert(content: bytes, own: Interface, wanted: Interface) -> bytes:
    adapted = with_float_ends(content)
    signatures = read_signatures(adapted)
    if wanted == own and SIGNATURE in signatures and _has_names(adapted):
        return adapted
    return with_signature(adapted, wanted.inputs, wanted.outputs)


def _has_names(content: bytes) -> bool:
    signature = read_signatures(content)[SIGNATURE]
    return all(tensor.name for tensor in (*signature.inputs.values(), *signature.outputs.values()))


def _of_savedmodel(path: Path) -> Interface | None:
    saved = SavedModel.FromString(path.read_bytes())
    for graph in saved.meta_graphs:
        if SIGNATURE in graph.signature_def:
            signature = graph.signature_def[SIGNATURE]
            return Interface(tuple(sorted(signature.inputs)), tuple(sorted(signature.outputs)))
    return None


def _of_litert(content: bytes) -> Interface:
    """Read a LiteRT file's names, in the order of its first subgraph."""
    signatures = read_signatures(content)
    signature = signatures.get(SIGNATURE) or next(iter(signatures.values()))
    return Interface(tuple(signature.inputs), tuple(signature.outputs))


def _of_onnx(path: Path) -> Interface:
    # Imported here: few models are ONNX files.
    from deployworkbook.runtimes.onnx_names import read_names

    inputs, outputs = read_names(path)
    return Interface(tuple(inputs), tuple(outputs))
