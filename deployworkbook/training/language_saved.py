"""A language model as a SavedModel, written once and then found in the cache."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path

from deployworkbook.training.language import LanguageModel
from deployworkbook.workspace.cache import build_once, key_of
from deployworkbook.workspace.folder import current_workspace
from deployworkbook.workspace.notices import Notice, notify

# Below the cache's own folder, which also has a manifest.
FOLDER = "savedmodel"
# What the file depends on, besides the weights.
CODE = ("decoder_saved.py", "decoder_training.py")


def export_language_model(
    model: LanguageModel, *, folder: Path | None = None, notice: Notice = notify
) -> Path:
    """Write a language model as a SavedModel, which a model server can load.

    Its signature ``serving_default`` takes ``tokens``, int32 of shape ``[batch, length]``, and
    returns ``logits``, float32 of shape ``[batch, vocabulary]``: those of the token after the last
    position. Both sizes may differ from call to call. It refuses a text without tokens or longer
    than the context, and tokens that don't exist.

    The first call imports TensorFlow; later ones for the same weights find the file in the cache.

    Args:
        model: The model.
        folder: Folder of the cache; by default the workspace's ``models``.
        notice: Called with a text when it waits for another process or finds damage.

    Returns:
        The SavedModel's folder, to be published with ``serving.ModelRepository``.
    """
    weights = hashlib.sha256()
    for name, array in sorted(model.weights.items()):
        weights.update(name.encode() + array.tobytes())
    settings = {
        "shape": asdict(model.shape),
        "weights": weights.hexdigest(),
        "code": [Path(__file__).with_name(name).read_text(encoding="utf-8") for name in CODE],
    }

    def build(target: Path) -> None:
        # Imported here: TensorFlow takes seconds to load.
        from deployworkbook.training.decoder_saved import write_decoder

        write_decoder(model.shape, model.weights, target / FOLDER)

    place = (folder or current_workspace().models) / f"language-saved-{key_of(settings)}"
    found, _ = build_once(
        place,
        build=build,
        load=lambda source: source / FOLDER,
        notice=notice,
        # A SavedModel is a program, so nobody should serve that of somebody else.
        shareable=False,
    )
    return found
