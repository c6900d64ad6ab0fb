"""TensorFlow with Keras 2, quiet and repeatable."""

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
set_seed(3)
model = keras.Sequential([keras.layers.Dense(4, input_shape=(2,)), keras.layers.Dropout(0.5)])
model.compile("adam", "mse")
data = tf.random.normal((64, 2))
model.fit(data, tf.zeros((64, 4)), epochs=2, verbose=0)
print(model.get_weights()[0].tobytes().hex())
"""


def test_importing_and_training_print_nothing():
    done = run(TRAIN)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_a_seed_gives_the_same_weights_in_another_process():
    assert run(TRAIN).stdout == run(TRAIN).stdout
    assert run(TRAIN).stdout != run(TRAIN.replace("seed(3)", "seed(4)")).stdout


def test_tensorflow_uses_keras_2_too():
    done = run(
        "from deployworkbook.training.keras2 import keras, tf\n"
        "assert tf.keras.layers.Dense is keras.layers.Dense\n"
        "print(keras.__version__)"
    )
    assert done.stdout.startswith("2."), done.stderr


def test_the_toolkit_can_prune_even_if_keras_3_is_loaded():
    done = run(
        "import keras\n"
        "from deployworkbook.training.keras2 import keras\n"
        "import tensorflow_model_optimization as toolkit\n"
        "model = keras.Sequential([keras.layers.Dense(2, input_shape=(2,))])\n"
        "print(type(toolkit.sparsity.keras.prune_low_magnitude(model)).__name__)"
    )
    assert done.stdout.strip() == "Sequential", done.stderr


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
