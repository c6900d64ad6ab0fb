"""Each form of the model on each platform: it runs and agrees, or the reason is given."""

import numpy as np
import pytest

from deployworkbook.compression.litert_quantization import TECHNIQUES, calibration_images, quantize
from deployworkbook.compression.onnx_quantization import quantize_onnx
from deployworkbook.runtimes import everywhere
from deployworkbook.runtimes.everywhere import export_everywhere
from deployworkbook.runtimes.registry import RUNTIMES, runtime, unavailable
from deployworkbook.training.flatbuffer import to_flatbuffer
from deployworkbook.training.keras2 import keras
from deployworkbook.training.variant import Variant

OPENVINO = {"openvino", "openvino-bf16"}

# Which platforms run a variant. OpenVINO reads LiteRT files as far as it knows their operations:
# not the way in which float16 and int8 weights are turned into float32, and no 2-bit integers.
# Files with integer inputs it reads without the scale that gives the integers their meaning.
RUN_BY = {
    "float32": set(RUNTIMES),
    "pruned-90": set(RUNTIMES),
    "float16": {"litert"},
    "int8-weights": {"litert"},
    "int8-dynamic": {"litert"} | OPENVINO,
    "int8-full": {"litert"},
    "int4": {"litert"} | OPENVINO,
    "int2": {"litert"},
    "int2-clipped": {"litert"},
    "onnx-int8-dynamic": {"onnx"} | OPENVINO,
    "onnx-int8-static": {"onnx"} | OPENVINO,
}

# How far a probability may be from that of the same variant elsewhere: see the tests of each
# technique. Integers round the activations between layers, each platform in its own way.
TOLERANCE = {
    "float32": 1e-5,
    "pruned-90": 1e-5,
    # Processors without VNNI instructions add pairs of products in 16 bits, which saturate in
    # OpenVINO. Seen on one: 0.053.
    "onnx-int8-static": 0.15,
}


@pytest.fixture(scope="module")
def pruned(variant):
    model = keras.models.clone_model(variant.model)
    weights = [
        np.where(np.abs(each) < np.quantile(np.abs(each), 0.9), 0, each) if each.ndim > 1 else each
        for each in variant.model.get_weights()
    ]
    model.set_weights(weights)
    return Variant("pruned-90", model, note="the smallest 90 % of each layer's weights are 0")


@pytest.fixture(scope="module")
def variants(variant, pruned, digits):
    images = calibration_images(digits.train, count=200)
    made, float32 = [variant, pruned], to_flatbuffer(variant.model)
    for name, technique in TECHNIQUES.items():
        seen = images if technique.calibrates else None
        made.append(quantize(float32, name, images=seen))
    made.append(quantize_onnx(variant.model, "onnx-int8-dynamic"))
    made.append(quantize_onnx(variant.model, "onnx-int8-static", images=images))
    return {each.name: each for each in made}


@pytest.fixture(scope="module")
def exports(variants, tmp_path_factory):
    folder = tmp_path_factory.mktemp("everywhere")
    return {name: export_everywhere(each, folder) for name, each in variants.items()}


def test_the_table_has_all_variants(variants):
    assert set(variants) == set(RUN_BY)


@pytest.mark.parametrize("name", RUN_BY)
def test_each_platform_has_an_artifact_or_a_reason(exports, name):
    found = exports[name]
    assert set(found.artifacts) == RUN_BY[name] - set(unavailable())
    assert set(found.artifacts) | set(found.reasons) == set(RUNTIMES)
    assert not set(found.artifacts) & set(found.reasons)
    for platform, reason in found.reasons.items():
        if platform not in unavailable():
            # What was expected and received, and which platform does take it.
            assert reason.startswith(f"{name}: expected a Keras model")
            assert "Run it with the runtime '" in reason


@pytest.mark.parametrize("name", RUN_BY)
def test_platforms_agree_on_each_variant(exports, digits, name):
    predicted = {
        platform: runtime(platform).load(artifact)(digits.test.images)
        for platform, artifact in exports[name].artifacts.items()
    }
    reference = predicted["litert" if "litert" in predicted else "onnx"]
    for platform, result in predicted.items():
        allowed = 0.05 if platform == "openvino-bf16" else TOLERANCE.get(name, 0.05)
        np.testing.assert_allclose(result, reference, atol=allowed, err_msg=platform)


@pytest.mark.parametrize("platform", RUNTIMES)
def test_predictions_do_not_depend_on_the_arrays_layout(exports, digits, platform):
    if platform in unavailable():
        pytest.skip(unavailable()[platform])
    predict = runtime(platform).load(exports["float32"].artifacts[platform])
    images = np.ascontiguousarray(digits.test.images[:6])
    expected = predict(images)
    layouts = {
        "strided": np.repeat(images, 2, axis=0)[::2],
        "strided in each image": np.repeat(images, 2, axis=2)[:, :, ::2],
        "reversed": images[::-1].copy()[::-1],
        "Fortran": np.asfortranarray(images),
        "read-only": np.broadcast_to(images, images.shape),
    }
    for layout, given in layouts.items():
        np.testing.assert_array_equal(predict(given), expected, err_msg=layout)
    row = np.broadcast_to(images[:1], images.shape)
    np.testing.assert_allclose(
        predict(row), np.broadcast_to(expected[:1], expected.shape), atol=1e-6, err_msg="broadcast"
    )


def test_zeros_save_nothing_on_disk_and_much_in_an_archive(exports):
    from deployworkbook.runtimes.benchmarking import compressed_bytes

    whole, pruned = exports["float32"].artifacts, exports["pruned-90"].artifacts
    for name in ("savedmodel", "litert", "onnx", "openvino", "numpy"):
        assert pruned[name].size_bytes == pytest.approx(whole[name].size_bytes, rel=0.01)
        assert compressed_bytes(pruned[name]) < 0.25 * compressed_bytes(whole[name])


def test_int8_is_smaller_on_each_platform_that_runs_it(exports):
    whole = exports["float32"].artifacts
    for name in ("int8-dynamic", "onnx-int8-dynamic", "onnx-int8-static"):
        for platform, artifact in exports[name].artifacts.items():
            assert artifact.size_bytes < 0.4 * whole[platform].size_bytes


def test_a_platform_that_cannot_be_imported_does_not_stop_the_others(
    variant, tmp_path, monkeypatch
):
    def broken(name):
        if name == "litert":
            raise ImportError("libsomething.so: cannot open shared object file")
        return runtime(name)

    monkeypatch.setattr(everywhere, "runtime", broken)
    monkeypatch.setattr(everywhere, "RUNTIMES", {"litert": None, "onnx": None})
    found = export_everywhere(variant, tmp_path)
    assert set(found.artifacts) == {"onnx"}
    assert "cannot be imported (libsomething.so" in found.reasons["litert"]
