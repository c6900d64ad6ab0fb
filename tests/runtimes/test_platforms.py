"""What every platform promises, asked of each of them."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from deployworkbook.runtimes.base import Artifact, Predictor
from deployworkbook.runtimes.memory import start_process
from deployworkbook.runtimes.registry import RUNTIMES, available, runtime, unavailable
from deployworkbook.training.variant import Variant

# float32 sums of 784 products in another order. Bfloat16 keeps 8 bits of a number, and so two or
# three digits of a probability.
TOLERANCE = dict.fromkeys(RUNTIMES, 1e-6) | {"openvino-bf16": 0.05}

WITHOUT_TENSORFLOW = ["numpy", "litert", "onnx", "openvino", "openvino-bf16"]

RUN = """
import os, pathlib, sys, numpy as np
from deployworkbook.runtimes.base import Artifact
from deployworkbook.runtimes.registry import runtime
artifact = Artifact.at(pathlib.Path(sys.argv[1]))
runtime(artifact.runtime).load(artifact)(np.zeros((3, 28, 28), np.float32))
print(sorted({'tensorflow', 'tf_keras', 'keras', 'tf2onnx', 'onnx'} & set(sys.modules)))
"""

EVERYTHING = """
import pathlib, sys, numpy as np
from deployworkbook.runtimes.registry import runtime
from deployworkbook.training.models import mlp
from deployworkbook.training.variant import Variant
images = np.zeros((3, 28, 28), np.float32)
model = mlp()
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(images, np.zeros(3), verbose=0)
assert not {"pandas", "scipy", "h5py", "requests"} & set(sys.modules)  # nobody has used them
for name in sys.argv[2:]:
    exported = runtime(name).export(Variant("float32", model), pathlib.Path(sys.argv[1]))
    runtime(name).load(exported)(images)
"""


def named(name):
    reason = unavailable().get(name)
    if name == "openvino-bf16" and reason and "processor" in reason:
        pytest.skip(reason)
    return runtime(name)


@pytest.fixture(scope="module", params=RUNTIMES)
def platform(request):
    return named(request.param)


@pytest.fixture(scope="module")
def own(platform, variant, tmp_path_factory):
    """The trained model, exported for the platform."""
    return platform.export(variant, tmp_path_factory.mktemp(platform.name))


@pytest.fixture(scope="module")
def predict(platform, own):
    return platform.load(own)


def run_alone(*command, home):
    """Run a program in a home of its own, and not with what TensorFlow has set in this process."""
    temporary = home / "temporary"
    temporary.mkdir(parents=True)
    own = {"HOME": str(home), "TMPDIR": str(temporary), "CI": ""}
    return subprocess.run(
        [sys.executable, "-c", *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name[:3] != "TF_"} | own,
    )


def records_of_use(home):
    """What libraries that report their use would have left there."""
    return [path for path in home.rglob("*") if path.name in {"intel", "Microsoft"}]


def test_it_predicts_what_keras_predicts(platform, predict, variant, digits):
    ours = predict(digits.test.images)
    keras = variant.model.predict(digits.test.images, verbose=0)
    np.testing.assert_allclose(ours, keras, atol=TOLERANCE[platform.name])
    assert ours.dtype == np.float32


def test_a_predictor_names_its_runtime_and_threads(platform, predict):
    assert isinstance(predict, Predictor)
    assert predict.runtime == platform.name
    assert predict.runtime_version[0].isdigit()
    assert predict.threads == getattr(platform, "threads", predict.threads) >= 1


def test_the_artifact_records_its_origin(platform, own, variant):
    found = own.provenance
    assert Artifact.at(own.path) == own == Artifact(own.path, platform.name, variant.name)
    assert set(RUNTIMES[platform.name].packages.values()) <= set(found.versions)
    assert sum(path.stat().st_size for path in own.files) == own.size_bytes > 0
    assert own.path / "provenance.json" not in own.files


def test_predictions_do_not_depend_on_batch_sizes_and_order(platform, predict, digits):
    images = digits.test.images[:40]
    whole = predict(images)
    for size in (1, 7, 40, 1, 2):
        np.testing.assert_allclose(
            predict(images[:size]), whole[:size], atol=TOLERANCE[platform.name]
        )


def test_a_result_is_not_overwritten_by_the_next(predict, digits):
    first = predict(digits.test.images[:1])
    kept = first.copy()
    predict(digits.test.images[1:2])
    np.testing.assert_array_equal(first, kept)


def test_images_may_have_any_layout_and_are_not_changed(predict, digits):
    images = digits.test.images[:20].copy()
    images.flags.writeable = False
    strided = np.asfortranarray(images)
    np.testing.assert_array_equal(predict(strided), predict(images))
    np.testing.assert_array_equal(predict(images[::2]), predict(images[::2].copy()))


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 28, 28)),
        np.zeros((28, 28), np.float32),
        np.zeros((0, 28, 28), np.float32),
        np.zeros((1, 27, 28), np.float32),
        [[0.0]],
    ],
    ids=["float64", "one image", "none", "other sizes", "a list"],
)
def test_other_images_are_refused(predict, images):
    with pytest.raises(ValueError, match="float32 of shape"):
        predict(images)


def test_a_second_export_replaces_the_first_and_leaves_no_other_files(platform, variant, tmp_path):
    first = platform.export(variant, tmp_path)
    (first.path / "stale").write_text("from the first")
    second = platform.export(Variant("float32", variant.model, note="again"), tmp_path)
    assert second == first
    assert second.provenance.note == "again"
    assert not (second.path / "stale").exists()
    assert [path.name for path in tmp_path.iterdir()] == [f"float32.{platform.name}"]


def test_an_export_that_fails_keeps_the_earlier_one(platform, variant, tmp_path):
    earlier = platform.export(variant, tmp_path)
    with pytest.raises((AttributeError, TypeError, ValueError)):
        platform.export(Variant("float32", model="no model"), tmp_path)
    assert platform.load(earlier)
    assert [path.name for path in tmp_path.iterdir()] == [f"float32.{platform.name}"]


def test_each_damaged_or_missing_file_is_noticed(platform, own, tmp_path):
    for number, file in enumerate(own.files):
        for kind, damage in enumerate((lambda c: b"", lambda c: c[:-7], lambda c: c + b"\0", None)):
            copy = shutil.copytree(own.path, tmp_path / f"{number}-{kind}")
            path = copy / file.relative_to(own.path)
            if damage is None:
                path.unlink()
            elif damage(path.read_bytes()) == path.read_bytes():
                continue  # an empty file cannot be shortened
            else:
                path.write_bytes(damage(path.read_bytes()))
            with pytest.raises(ValueError, match=rf"{file.name} (has changed|is missing)"):
                platform.load(Artifact.at(copy))


def test_a_missing_artifact_is_refused(platform, tmp_path):
    with pytest.raises(FileNotFoundError, match="Export it again"):
        platform.load(Artifact(tmp_path / "none", platform.name, "none"))


def test_an_artifact_of_another_runtime_is_refused(platform, own, tmp_path):
    other = "onnx" if platform.name != "onnx" else "litert"
    with pytest.raises(ValueError, match=f"Load it with the runtime '{platform.name}'"):
        runtime(other).load(own)


def test_a_fresh_process_trains_exports_and_runs_without_output_and_leaves_no_other_files(tmp_path):
    home = tmp_path / "home"
    done = run_alone(EVERYTHING, tmp_path / "models", *available(), home=home)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    # TensorFlow imports the functions that it rewrites from files there, which Python compiles.
    left = [each.name for each in (home / "temporary").iterdir()]
    assert [name for name in left if name != "__pycache__"] == []
    assert records_of_use(home) == []
    assert len(list((tmp_path / "models").iterdir())) == len(available())


# Those that load TensorFlow run in the process above.
without_tensorflow = pytest.mark.parametrize("platform", WITHOUT_TENSORFLOW, indirect=True)


@without_tensorflow
def test_running_in_a_fresh_process_loads_no_tensorflow_and_leaves_no_files(own, tmp_path):
    done = run_alone(RUN, own.path, home=tmp_path / "home")
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
    assert list((tmp_path / "home" / "temporary").iterdir()) == []
    assert records_of_use(tmp_path / "home") == []


# TensorFlow's memory is in the tests of benchmarks.
@without_tensorflow
def test_memory_is_measured_in_a_separate_process(own):
    assert 10e6 < start_process(own).peak_memory_bytes < 200e6
