"""Keras models on disk, written as ``.keras`` files and read without running anything in them.

Keras's own ``load_model`` builds whatever a file names: a ``Lambda`` layer brings its own Python
code, and an HDF5 file isn't even checked for it. A workspace can be shared, downloaded or unpacked
from an archive, so here a file is only data: its layers are looked up in a short list, their
settings are plain numbers and words, our code builds the network, and weights are read as arrays.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from deployworkbook.training.keras2 import SAVE_FORMAT, copy_model, keras, tf
from deployworkbook.validation import message

CONFIG, WEIGHTS = "config.json", "model.weights.h5"

# The layers that can be built; none of them can contain code.
LAYERS = (
    "Activation",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "InputLayer",
    "MaxPooling2D",
    "ReLU",
    "Reshape",
    "Softmax",
)
ACTIVATIONS = ("elu", "gelu", "linear", "relu", "sigmoid", "softmax", "softplus", "swish", "tanh")

# Settings that matter only before training: the weights are set after building.
_IGNORED = re.compile(r"\w+_initializer")
_MUST_BE_EMPTY = re.compile(r"\w+_(regularizer|constraint)")
_WORD = re.compile(r"[A-Za-z0-9_.-]{0,100}")

MAX_LAYERS = 1000
MAX_CONFIG_BYTES = 10_000_000

_REMEDY = "Delete it to have it made again, or save the model with deployworkbook."


class ModelFileError(ValueError):
    """A file contains no model that can be read without running code from the file."""


def save_model(model: Any, path: Path) -> None:
    """Write a model as a ``.keras`` file, without the optimizer, whose state may be twice as large.

    Args:
        model: A built ``keras.Sequential`` of the layers in ``LAYERS``.
        path: The file.

    Raises:
        ModelFileError: The model has a layer or a setting that could not be read back.
    """
    _checked(json.loads(json.dumps(_described(model))), str(model.name))
    # A copy was never compiled, so it has no optimizer.
    copy_model(model).save(path, save_format=SAVE_FORMAT)


def read_model(path: Path) -> Any:
    """Build the model of a ``.keras`` file with this package's code; run nothing from the file.

    Args:
        path: A file written by ``save_model``, or by Keras in its own format.

    Returns:
        A ``keras.Sequential``, not compiled.

    Raises:
        FileNotFoundError: The file does not exist.
        ModelFileError: It has another format, or layers, settings or weights that this package
            doesn't build.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(_member(archive, CONFIG, MAX_CONFIG_BYTES))
            content = _member(archive, WEIGHTS)
    except zipfile.BadZipFile as error:
        raise ModelFileError(
            message(
                str(path),
                received="HDF5" if h5py.is_hdf5(path) else "another format",
                expected="a .keras archive",
                remedy=f"Other formats can carry code that runs when they are loaded. {_REMEDY}",
            )
        ) from error
    except (ValueError, KeyError, RecursionError, NotImplementedError, EOFError) as error:
        raise ModelFileError(f"{path} is damaged: {error}. {_REMEDY}") from error
    name, layers = _checked(config, str(path))
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            weights = [_arrays(file, group) for group in _groups(layers)]
    except Exception as error:  # a broken file can raise anything
        raise ModelFileError(f"{path}: its weights cannot be read ({error}). {_REMEDY}") from error
    return _built(name, layers, weights, str(path))


def _described(model: Any) -> dict[str, Any]:
    """Return the part of Keras's own description that is read back."""
    kind = type(model)
    if kind is not keras.Sequential or not model.built:
        raise ModelFileError(
            message("model", received=kind.__name__, expected="a built keras.Sequential")
        )
    config = keras.saving.serialize_keras_object(model)
    return {name: config[name] for name in ("module", "class_name", "config", "registered_name")}


def _member(archive: zipfile.ZipFile, name: str, limit: int | None = None) -> bytes:
    info = archive.getinfo(name)
    # Keras stores without compression, so no member can be far larger than its file.
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    if limit is not None and info.file_size > limit:
        raise ValueError(f"{name} has {info.file_size:,} bytes, more than {limit:,}")
    return archive.read(info)


Described = tuple[str, dict[str, Any]]


def _checked(config: Any, where: str) -> tuple[str, list[Described]]:
    """Return the names and plain settings in a description; raise an error for anything else."""
    try:
        kind, inner = config["class_name"], config["config"]
        name, layers = inner["name"], inner["layers"]
        listed = [(each["class_name"], each["module"], each["config"]) for each in layers]
    except (TypeError, KeyError) as error:
        raise ModelFileError(f"{where}: its description lacks {error}. {_REMEDY}") from error
    if kind != "Sequential" or config.get("module") != "keras" or config.get("registered_name"):
        raise _refused(where, "model", kind, "a keras.Sequential")
    if not _is_word(name) or not 0 < len(listed) <= MAX_LAYERS:
        raise _refused(
            where, "name and layers", f"{name!r:.100}, {len(listed)}", "a word, at least one layer"
        )
    found = []
    for (layer, module, settings), entry in zip(listed, layers, strict=True):
        if layer not in LAYERS or module != "keras.layers" or entry.get("registered_name"):
            raise _refused(where, "layer", f"{module}.{layer}", f"one of {', '.join(LAYERS)}")
        found.append((layer, dict(_settings(where, layer, settings))))
    return name, found


def _settings(where: str, layer: str, config: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(config, Mapping):
        raise _refused(where, f"settings of {layer}", type(config).__name__, "names and values")
    for name, value in config.items():
        if _IGNORED.fullmatch(name):
            continue
        if name == "activation":
            plain = value in ACTIVATIONS
        elif _MUST_BE_EMPTY.fullmatch(name):
            plain = value is None
        elif name == "dtype":
            plain = value == "float32"
        else:
            plain = _is_plain(value) or (
                isinstance(value, list) and len(value) <= 8 and all(map(_is_plain, value))
            )
        if not plain:
            raise _refused(where, f"{name} of {layer}", repr(value)[:100], "a plain setting")
        yield name, tuple(value) if isinstance(value, list) else value


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float) or _is_word(value)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _groups(layers: list[Described]) -> list[str]:
    """Return the group of each layer's weights: its kind, numbered from the second on."""
    seen: Counter[str] = Counter()
    groups = []
    for layer, _ in layers:
        if layer == "InputLayer":
            continue
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", layer).lower()
        name = {"relu": "re_lu"}.get(name, name)
        groups.append(f"layers/{name}_{seen[name]}" if seen[name] else f"layers/{name}")
        seen[name] += 1
    return groups


def _arrays(file: h5py.File, group: str) -> list[NDArray[np.float32]]:
    """Read a layer's weights, none of which may be in another file."""
    place: Any = file
    for part in (*group.split("/"), "vars"):
        place = _child(place, part)
    arrays = []
    for number in range(len(place.keys())):
        data = _child(place, str(number))
        whole = (
            isinstance(data, h5py.Dataset)
            and data.dtype == np.float32
            and not data.is_virtual
            and data.external is None
            and data.id.get_storage_size() == data.nbytes
        )
        if not whole:
            raise KeyError(f"{data.name} does not hold plain float32 numbers")
        arrays.append(np.asarray(data[()]))
    return arrays


def _child(group: Any, name: str) -> Any:
    # A soft or external link may point outside the file.
    if not isinstance(group, h5py.Group) or not isinstance(
        group.get(name, getlink=True), h5py.HardLink
    ):
        raise KeyError(f"{name} is missing")
    return group[name]


def _built(
    name: str, layers: list[Described], weights: list[list[NDArray[np.float32]]], where: str
) -> Any:
    """Build the network, and set its weights if their shapes match."""
    try:
        shapes = _shapes(json.dumps([name, layers]))
        found = [[array.shape for array in arrays] for arrays in weights]
        if shapes != found:
            raise _refused(where, "weights", f"shapes {found}", f"{shapes}")
        model = _network(name, layers)
    except ModelFileError:
        raise
    except Exception as error:  # invalid settings can raise anything
        raise ModelFileError(f"{where}: its layers cannot be built ({error}). {_REMEDY}") from error
    for layer, arrays in zip(model.layers, weights, strict=True):
        layer.set_weights(arrays)
    return model


@lru_cache(maxsize=16)
def _shapes(described: str) -> list[list[tuple[int, ...]]]:
    """Return the shapes of a network's weights, by layer; the same network is often read again."""
    name, layers = json.loads(described)
    # In a graph nothing is allocated, however large the widths in the description.
    with tf.Graph().as_default():
        tf.random.set_seed(0)  # the graph's own; deterministic operations need one
        return [
            [tuple(each.shape) for each in layer.weights] for layer in _network(name, layers).layers
        ]


def _network(name: str, layers: list[Described]) -> Any:
    network = keras.Sequential(
        [getattr(keras.layers, layer).from_config(dict(settings)) for layer, settings in layers],
        name=name,
    )
    if not network.built:
        raise ValueError("there is no input shape")
    return network


def _refused(where: str, name: str, received: object, expected: str) -> ModelFileError:
    return ModelFileError(
        message(f"{where}: {name}", received=str(received), expected=expected, remedy=_REMEDY)
    )
