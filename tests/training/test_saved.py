"""Models on disk: read as data, never run."""

import io
import json
import sys
import zipfile
from unittest.mock import Mock

import h5py
import numpy as np
import pytest

from deployworkbook.compression import distill
from deployworkbook.training import fit
from deployworkbook.training.fit import History
from deployworkbook.training.keras2 import keras
from deployworkbook.training.models import cnn, mlp
from deployworkbook.training.saved import CONFIG, WEIGHTS, ModelFileError, read_model, save_model
from deployworkbook.workspace.folder import SHARED_VARIABLE
from deployworkbook.workspace.manifest import write_manifest

RAN = "deployworkbook_test_ran"


def mark(values):
    """What no load may run."""
    setattr(sys, "deployworkbook_test_ran", True)  # noqa: B010 (no attribute that types know)
    return values


@pytest.fixture(autouse=True)
def nothing_runs():
    yield
    ran = getattr(sys, RAN, False)
    if ran:
        delattr(sys, RAN)
    assert not ran, "a load has run code of the file"


def with_lambda():
    model = keras.Sequential(
        [
            keras.layers.Flatten(input_shape=(28, 28)),
            keras.layers.Lambda(mark),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    if hasattr(sys, RAN):  # building it has
        delattr(sys, RAN)
    return model


def other_layers():
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Conv2D(3, 3, strides=2, padding="same", input_shape=(28, 28, 1)),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3),
            layers.BatchNormalization(),
            layers.AveragePooling2D(),
            layers.GlobalAveragePooling2D(),
            layers.Activation("tanh"),
            layers.Dense(4, use_bias=False),
            layers.Softmax(),
        ]
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The parts of a file that is as it should be."""
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    save_model(mlp(hidden_units=4), path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path, parts, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def described(parts, change):
    """The parts with another description."""
    config = json.loads(parts[CONFIG])
    change(config)
    return parts | {CONFIG: json.dumps(config)}


def weighed(parts, change):
    """The parts with other weights."""
    stream = io.BytesIO(parts[WEIGHTS])
    with h5py.File(stream, "r+") as file:
        change(file["layers/dense/vars"])
    return parts | {WEIGHTS: stream.getvalue()}


@pytest.mark.parametrize("build", [mlp, cnn, other_layers])
@pytest.mark.parametrize("compiled", [False, True], ids=["saved here", "saved by Keras"])
def test_a_saved_model_is_read_back_unchanged(build, compiled, tmp_path):
    model, path = build(), tmp_path / "model.keras"
    if compiled:
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        model.save(path, save_format="keras_v3")
    else:
        save_model(model, path)
    again = read_model(path)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    images = np.random.default_rng(0).random((3, *model.input_shape[1:]), np.float32)
    np.testing.assert_array_equal(again(images), model(images))


def test_an_hdf5_file_under_another_name_is_refused(tmp_path):
    with pytest.warns(UserWarning, match="HDF5"):
        with_lambda().save(tmp_path / "made.h5")
    with pytest.raises(ModelFileError, match="HDF5"):
        read_model((tmp_path / "made.h5").rename(tmp_path / "model.keras"))


def test_a_keras_file_with_a_lambda_layer_is_refused(tmp_path):
    with_lambda().save(tmp_path / "model.keras", save_format="keras_v3")
    with pytest.raises(ModelFileError, match="Lambda"):
        read_model(tmp_path / "model.keras")


def test_a_model_that_cannot_be_read_back_is_not_saved(tmp_path):
    with pytest.raises(ModelFileError, match="Lambda"):
        save_model(with_lambda(), tmp_path / "model.keras")
    functional = keras.Model(*2 * [keras.Input((3,))])
    with pytest.raises(ModelFileError, match=r"keras\.Sequential"):
        save_model(functional, tmp_path / "model.keras")
    assert not list(tmp_path.iterdir())


def first(config):
    return config["config"]["layers"][1]


def dense(config):
    return config["config"]["layers"][2]["config"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update({"class_name": "Functional"}), "keras.Sequential"),
        (lambda c: c.update({"module": "os", "class_name": "system"}), "keras.Sequential"),
        (lambda c: first(c).update({"module": "subprocess"}), "subprocess.Flatten"),
        (lambda c: first(c).update({"class_name": "Lambda"}), "Lambda"),
        (lambda c: first(c).update({"class_name": "TFSMLayer"}), "TFSMLayer"),
        (lambda c: first(c).update({"registered_name": "theirs>Layer"}), "Flatten"),
        (lambda c: dense(c).update({"activation": "os.system"}), "activation of Dense"),
        (lambda c: dense(c).update({"activation": {"class_name": "__lambda__"}}), "activation"),
        (lambda c: dense(c).update({"kernel_constraint": {"class_name": "X"}}), "constraint"),
        (lambda c: dense(c).update({"name": {"module": "os"}}), "name of Dense"),
        (lambda c: dense(c).update({"unknown": 1}), "cannot be built"),
        (lambda c: dense(c).update({"units": 10**12}), "shapes"),
        (lambda c: dense(c).update({"units": -1}), "cannot be built"),
        (lambda c: dense(c).update({"dtype": "string"}), "dtype of Dense"),
        (lambda c: c["config"].update({"layers": []}), "name and layers"),
        (lambda c: c["config"].pop("layers"), "lacks"),
        (lambda c: c["config"].update({"layers": [1]}), "lacks"),
    ],
)
def test_descriptions_of_other_objects_are_refused(written, tmp_path, change, words):
    with pytest.raises(ModelFileError, match=words):
        read_model(rewritten(tmp_path / "model.keras", described(written, change)))


def replace_by(link):
    def change(group):
        del group["0"]
        group["0"] = link

    return change


def by_external_data(group):
    del group["0"]
    group.create_dataset("0", (784, 4), "f4", external=[("/etc/passwd", 0, 784 * 4 * 4)])


def by_zeros_that_take_no_room(group):
    del group["0"]
    group.create_dataset("0", (784, 4), "f4", chunks=True, compression="gzip")


@pytest.mark.parametrize(
    "change",
    [
        replace_by(h5py.ExternalLink("/etc/other.h5", "/x")),
        replace_by(h5py.SoftLink("/layers/dense_1/vars/0")),
        replace_by(np.zeros((784, 4), "f8")),
        replace_by(np.zeros((4, 784), "f4")),
        by_external_data,
        by_zeros_that_take_no_room,
        lambda group: group.pop("0"),
    ],
)
def test_external_or_misshapen_weights_are_refused(written, tmp_path, change):
    with pytest.raises(ModelFileError):
        read_model(rewritten(tmp_path / "model.keras", weighed(written, change)))


def test_other_archives_are_refused(written, tmp_path):
    path = tmp_path / "model.keras"
    cases = {
        "compressed": {"compression": zipfile.ZIP_DEFLATED},
        "is damaged": {},
    }
    for words, options in cases.items():
        parts = written if options else {"else": b""}
        with pytest.raises(ModelFileError, match=words):
            read_model(rewritten(path, parts, **options))
    path.write_bytes(b"")
    with pytest.raises(ModelFileError, match="another format"):
        read_model(path)
    with pytest.raises(FileNotFoundError):
        read_model(tmp_path / "none")


def plant(folder):
    """Put a file that holds code in the place of a cached model, with a manifest that fits."""
    model = folder / "model.keras"
    with pytest.warns(UserWarning, match="HDF5"):
        with_lambda().save(folder / "planted.h5")
    (folder / "planted.h5").rename(model)
    write_manifest(folder)


def test_a_planted_cache_entry_is_set_aside_unread_and_rebuilt(digits, tmp_path, monkeypatch):
    # What is rebuilt need not have learned anything.
    made = mlp(hidden_units=4)
    monkeypatch.setattr(fit, "train", lambda data, recipe: (made, History(*[(0.5,)] * 4)))
    teaching = Mock(steps=1, **{"result.return_value": made})
    monkeypatch.setattr(distill, "Retraining", lambda *_, **settings: teaching)
    ways = {
        "mlp": lambda notice: fit.baseline(digits, folder=tmp_path, notice=notice).model,
        "teacher": lambda notice: distill.teacher(digits, folder=tmp_path, notice=notice),
    }
    for kind, ask in ways.items():
        ask(pytest.fail)
        (folder,) = tmp_path.glob(f"{kind}-digits-*")
        plant(folder)
        notices = []
        again = ask(notices.append)
        assert "HDF5" in notices[0]
        assert len(list(tmp_path.glob(f"{kind}-*damaged*"))) == 1
        for ours, before in zip(again.get_weights(), made.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, before)


def test_a_planted_shared_model_is_left_unread_and_an_own_one_trained(
    digits, tmp_path, monkeypatch
):
    made = mlp(hidden_units=4)
    monkeypatch.setattr(fit, "train", lambda data, recipe: (made, History(*[(0.5,)] * 4)))
    fit.baseline(digits, folder=tmp_path)
    (folder,) = tmp_path.glob("mlp-*")
    plant(folder)
    monkeypatch.setenv(SHARED_VARIABLE, str(tmp_path))
    notices = []
    assert fit.baseline(digits, notice=notices.append).is_new
    assert "HDF5" in notices[0]
    assert list(tmp_path.glob("mlp-*")) == [folder]
