"""All platforms against Keras, on every one of MNIST's 10,000 test images."""

import numpy as np
import pytest

from deployworkbook.runtimes.benchmarking import predict_in_batches
from deployworkbook.runtimes.registry import RUNTIMES, runtime, unavailable
from deployworkbook.training.fit import baseline
from deployworkbook.training.variant import Variant

pytestmark = pytest.mark.mnist


def test_every_platform_classifies_each_image_as_keras_does(mnist, mnist_workspace, tmp_path):
    model = baseline(mnist, folder=mnist_workspace.models).model
    variant = Variant("float32", model)
    keras = model.predict(mnist.test.images, batch_size=1000, verbose=0)
    assert keras.shape == (10_000, 10)
    failed = {}
    for name in RUNTIMES:
        if name in unavailable():
            print(f"{name}: {unavailable()[name]}")
            continue
        platform = runtime(name)
        predict = platform.load(platform.export(variant, tmp_path))
        ours = predict_in_batches(predict, mnist.test.images)
        largest = float(np.abs(ours - keras).max())
        others = int((ours.argmax(axis=1) != keras.argmax(axis=1)).sum())
        print(f"{name}: at most {largest:.1e} from Keras, {others} classified otherwise")
        if name == "openvino-bf16":
            # A fact, not a promise: seven bits of fraction are not enough for parity.
            assert 1e-4 < largest < 0.1
        elif largest > 1e-5 or others:
            failed[name] = (largest, others)
    assert failed == {}
    assert set(RUNTIMES) - set(unavailable()) >= {"savedmodel", "litert", "onnx", "openvino"}
