"""TensorFlow with Keras 2, quiet and repeatable."""

import json
import os
import subprocess
import sys

import pytest


def run(program):
    """Run a program without what importing TensorFlow has set in this process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


TRAIN = """
from deployworkbook.training.keras2 import keras, set_seed, tf

def train(seed):
    set_seed(seed)
    model = keras.Sequential([keras.layers.Dense(4, input_shape=(2,)), keras.layers.Dropout(0.5)])
    model.compile("adam", "mse")
    data = tf.random.normal((64, 2))
    model.fit(data, tf.zeros((64, 4)), epochs=2, verbose=0)
    return model.get_weights()[0].tobytes().hex()

"""
ALONE = """
said |= {
    "weights": train(3),
    "of another seed": train(4),
    "version": keras.__version__,
    "is TensorFlow's": tf.keras.layers.Dense is keras.layers.Dense,
}
"""
BESIDE_KERAS_3 = """
import tensorflow_model_optimization as toolkit
model = keras.Sequential([keras.layers.Dense(2, input_shape=(2,))])
pruned = toolkit.sparsity.keras.prune_low_magnitude(model)
said |= {
    "weights": train(3),
    "version of Keras 3": keras_3.__version__,
    "pruned": type(pruned).__name__,
}
"""


def facts(program):
    """What a program says, and what it writes besides."""
    done = run(f"said = {{}}\n{program}\nimport json\nprint(json.dumps(said))")
    assert done.returncode == 0, done.stderr
    *others, last = done.stdout.splitlines()
    return json.loads(last) | {"else": [*others, *done.stderr.splitlines()]}


@pytest.fixture(scope="module")
def alone():
    """Facts from a process that imports only the workbook's Keras: importing takes seconds."""
    return facts(TRAIN + ALONE)


@pytest.fixture(scope="module")
def beside_keras_3():
    """Facts from a process that has loaded Keras 3 before."""
    return facts("import keras as keras_3\n" + TRAIN + BESIDE_KERAS_3)


def test_importing_and_training_print_nothing(alone):
    assert alone["else"] == []


def test_a_seed_gives_the_same_weights_in_another_process(alone, beside_keras_3):
    assert alone["weights"] == beside_keras_3["weights"]
    assert alone["weights"] != alone["of another seed"]


def test_tensorflow_uses_keras_2_too(alone):
    assert alone["version"].startswith("2.")
    assert alone["is TensorFlow's"]


def test_the_toolkit_can_prune_even_if_keras_3_is_loaded(beside_keras_3):
    assert beside_keras_3["version of Keras 3"].startswith("3.")
    assert beside_keras_3["pruned"] == "Sequential"


def test_a_late_import_raises_with_a_remedy():
    done = run("import tensorflow as tf\ntf.keras.layers\nimport deployworkbook.training.keras2")
    assert done.returncode != 0
    assert "ImportError: tf.keras has become Keras 3" in done.stderr
    assert "Restart the kernel" in done.stderr


def test_real_errors_on_loading_are_passed_on():
    done = run(
        "import os, sys, types\n"
        "class Noisy:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'tensorflow':\n"
        "            os.write(2, b'I0000 00:00:1 a note\\nsomething is broken\\n')\n"
        "            raise ImportError('no tensorflow')\n"
        "sys.meta_path.insert(0, Noisy())\n"
        "import deployworkbook.training.keras2"
    )
    assert "something is broken" in done.stderr
    assert "no tensorflow" in done.stderr
    assert "a note" not in done.stderr


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed):
    from deployworkbook.training.keras2 import set_seed

    with pytest.raises(ValueError, match="seed"):
        set_seed(seed)
