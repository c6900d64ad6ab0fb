"""NumPy files: exported whole, equal to Keras, run without any framework."""

import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from deployworkbook.runtimes.base import Artifact, Predictor
from deployworkbook.runtimes.numpy import NumPyPredictor, NumPyRuntime
from deployworkbook.training.keras2 import keras
from deployworkbook.training.models import cnn
from deployworkbook.training.variant import Variant


@pytest.fixture(scope="module")
def saved(variant, tmp_path_factory):
    return NumPyRuntime().export(variant, tmp_path_factory.mktemp("numpy"))


def dense(kernel, bias):
    return np.array(kernel, np.float32), np.array(bias, np.float32)


def test_by_hand():
    # The first pixel alone counts: hidden units 2x and -2x + 1, of which ReLU leaves 2 and 0 at
    # x = 1; logits 2 and 0; probabilities e² / (e² + 1) and the rest.
    first = np.zeros((784, 2), np.float32)
    first[0] = [2, -2]
    predict = NumPyPredictor([(first, dense(0, [0, 1])[1]), dense([[1, 0], [0, 1]], [0, 0])])
    images = np.zeros((1, 28, 28), np.float32)
    images[0, 0, 0] = 1
    share = np.exp(2) / (np.exp(2) + 1)
    np.testing.assert_allclose(predict(images), [[share, 1 - share]], rtol=1e-6)


def test_it_predicts_what_keras_predicts(saved, variant, digits):
    predict = NumPyRuntime().load(saved)
    ours = predict(digits.test.images)
    # The same sums of 784 products in float32, in another order.
    np.testing.assert_allclose(
        ours, variant.model.predict(digits.test.images, verbose=0), atol=1e-6
    )
    assert ours.dtype == np.float32
    assert isinstance(predict, Predictor)
    assert (predict.runtime, predict.runtime_version) == ("numpy", np.__version__)


def test_large_logits_do_not_overflow():
    kernel = np.full((784, 2), 10, np.float32)
    predict = NumPyPredictor([(kernel, np.array([0, -1000], np.float32))])
    np.testing.assert_array_equal(predict(np.ones((1, 28, 28), np.float32)), [[1, 0]])


def test_images_and_weights_are_not_changed(saved, digits):
    predict, images = NumPyRuntime().load(saved), digits.test.images[:3].copy()
    first = predict(images)
    np.testing.assert_array_equal(images, digits.test.images[:3])
    np.testing.assert_array_equal(predict(images), first)


def test_loading_and_predicting_imports_no_framework(saved):
    program = (
        "import sys, pathlib, numpy as np\n"
        "from deployworkbook.runtimes.base import Artifact\n"
        "from deployworkbook.runtimes.registry import runtime\n"
        f"artifact = Artifact(pathlib.Path({str(saved.path)!r}), 'numpy', 'float32')\n"
        "runtime('numpy').load(artifact)(np.zeros((1, 28, 28), np.float32))\n"
        "heavy = {'tensorflow', 'tf_keras', 'keras', 'ai_edge_litert', 'onnxruntime'}\n"
        "print(heavy & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_the_number_of_threads_is_current(saved):
    predict = NumPyRuntime().load(saved)
    with threadpool_limits(1):
        assert predict.threads == 1


def test_unsupported_layers_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Reshape"):
        NumPyRuntime().export(Variant("cnn", cnn()), tmp_path)
    with pytest.raises(ValueError, match="runtime 'litert'"):
        NumPyRuntime().export(Variant("int8", flatbuffer=b"TFL3"), tmp_path)
    layers = keras.layers
    tanh = [layers.Dense(4, activation="tanh"), layers.Dense(3, activation="softmax")]
    logits = [layers.Dense(4, activation="relu"), layers.Dense(3)]
    bare = [layers.Dense(3, activation="softmax", use_bias=False)]
    for wrong, said in ((tanh, "tanh"), (logits, "linear"), (bare, "without a bias")):
        model = keras.Sequential([layers.Flatten(input_shape=(28, 28)), *wrong])
        with pytest.raises(ValueError, match=said):
            NumPyRuntime().export(Variant("other", model), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_damaged_and_missing_artifacts_are_refused(variant, tmp_path):
    artifact = NumPyRuntime().export(variant, tmp_path)
    (artifact.path / "weights.npz").write_bytes(b"text")
    with pytest.raises(ValueError, match="Export it again"):
        NumPyRuntime().load(artifact)
    with pytest.raises(FileNotFoundError, match="Export it again"):
        NumPyRuntime().load(Artifact(tmp_path / "none", "numpy", "none"))


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([], "no layers"),
        ([(np.zeros((784, 3), np.float32), np.zeros(4, np.float32))], "shapes"),
        ([(np.zeros((9, 3), np.float32), np.zeros(3, np.float32))], "shapes"),
        ([(np.zeros((784, 3)), np.zeros(3))], "types"),
    ],
)
def test_arrays_that_do_not_form_a_network_are_refused(layers, said):
    with pytest.raises(ValueError, match=said):
        NumPyPredictor(layers)
