"""TensorFlow with Keras 2, quiet and repeatable."""

import inspect
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


def train(seed):
    from deployworkbook.training.keras2 import keras, set_seed, tf

    set_seed(seed)
    model = keras.Sequential([keras.layers.Dense(4, input_shape=(2,)), keras.layers.Dropout(0.5)])
    model.compile("adam", "mse")
    data = tf.random.normal((64, 2))
    model.fit(data, tf.zeros((64, 4)), epochs=2, verbose=0)
    return model.get_weights()[0].tobytes().hex()


# Importing takes seconds, so one process does both: what comes too late is taken back.
BESIDE_KERAS_3 = f"""
import keras as keras_3
import tensorflow

lazy = tensorflow.keras
lazy.layers
said = {{}}
try:
    import deployworkbook.training.keras2
except ImportError as error:
    said["late"] = str(error)
tensorflow.keras = type(lazy)(vars(tensorflow))
from deployworkbook.training.keras2 import keras, tf
{inspect.getsource(train)}
import tensorflow_model_optimization as toolkit
model = keras.Sequential([keras.layers.Dense(2, input_shape=(2,))])
pruned = toolkit.sparsity.keras.prune_low_magnitude(model)
said |= {{
    "weights": train(3),
    "version": keras.__version__,
    "is TensorFlow's": tf.keras.layers.Dense is keras.layers.Dense,
    "version of Keras 3": keras_3.__version__,
    "pruned": type(pruned).__name__,
}}
import json
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def beside_keras_3():
    """Facts from a process that has loaded Keras 3 before."""
    done = run(BESIDE_KERAS_3)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_seed_gives_the_same_weights_in_another_process(beside_keras_3):
    # test_fit.py shows that another seed gives other weights.
    assert train(3) == beside_keras_3["weights"]


def test_tensorflow_uses_keras_2_too(beside_keras_3):
    assert beside_keras_3["version"].startswith("2.")
    assert beside_keras_3["is TensorFlow's"]


def test_the_toolkit_can_prune_even_if_keras_3_is_loaded(beside_keras_3):
    assert beside_keras_3["version of Keras 3"].startswith("3.")
    assert beside_keras_3["pruned"] == "Sequential"


def test_a_late_import_raises_with_a_remedy(beside_keras_3):
    assert "tf.keras has become Keras 3" in beside_keras_3["late"]
    assert "Restart the kernel" in beside_keras_3["late"]


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
