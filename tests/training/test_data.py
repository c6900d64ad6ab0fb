"""The data: which there are, why, and that they are what they should be."""

import http.server
import threading

import numpy as np
import pytest

from deployworkbook.training import mnist as source
from deployworkbook.training.data import Dataset, Split, load_dataset
from deployworkbook.training.mnist import ENVIRONMENT_VARIABLE


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch):
    """No MNIST on this machine, and no way to get it."""
    monkeypatch.delenv(ENVIRONMENT_VARIABLE, raising=False)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    # The discard port: refused at once.
    monkeypatch.setattr(source, "URL", "http://127.0.0.1:9/mnist.npz")


def archive(path, **changes):
    """A small file in MNIST's form, with some of its arrays replaced."""
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.integers(0, 256, (200, 28, 28), dtype=np.uint8),
        "y_train": np.arange(200, dtype=np.uint8) % 10,
        "x_test": rng.integers(0, 256, (50, 28, 28), dtype=np.uint8),
        "y_test": np.arange(50, dtype=np.uint8) % 10,
    }
    arrays |= changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


@pytest.fixture
def small(tmp_path):
    return archive(tmp_path / "mnist.npz")


@pytest.fixture
def server():
    """An HTTP server on this machine; ``server.answer`` says what it does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.answer(self)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def serve(server, content, monkeypatch):
    def answer(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    server.answer = answer
    monkeypatch.setattr(source, "URL", f"http://127.0.0.1:{server.server_port}/mnist.npz")


def test_the_environments_file_is_used_and_named(small, monkeypatch):
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(small))
    data = load_dataset("auto")
    assert data.name == "mnist"
    assert str(small) in data.source
    assert ENVIRONMENT_VARIABLE in data.source


def test_kerass_cache_is_found(home):
    folder = home / ".keras" / "datasets"
    folder.mkdir(parents=True)
    archive(folder / "mnist.npz")
    data = load_dataset("auto")
    assert data.name == "mnist"
    assert "Keras's cache" in data.source


def test_without_a_network_digits_are_used_and_the_reason_given():
    data = load_dataset("auto")
    assert data.name == "digits"
    assert "since MNIST is not on this machine, and no connection to 127.0.0.1" in str(data)


def test_mnist_without_a_network_raises_with_a_remedy():
    with pytest.raises(ConnectionError, match="dataset='digits'"):
        load_dataset("mnist")


def test_it_is_downloaded_into_kerass_cache(small, server, monkeypatch, home):
    content = small.read_bytes()
    serve(server, content, monkeypatch)
    monkeypatch.setattr(source, "SHA256", __import__("hashlib").sha256(content).hexdigest())
    assert "just downloaded" in load_dataset("auto").source
    assert (home / ".keras" / "datasets" / "mnist.npz").read_bytes() == content


def test_a_download_with_another_hash_is_rejected(server, monkeypatch, home):
    serve(server, b"<html>Please log in to the network</html>", monkeypatch)
    data = load_dataset("auto")
    assert data.name == "digits"
    assert "hash" in data.source
    assert not (home / ".keras" / "datasets" / "mnist.npz").exists()


def test_a_server_that_never_answers_times_out(server, monkeypatch):
    done = threading.Event()
    server.answer = lambda request: done.wait(60)
    monkeypatch.setattr(source, "URL", f"http://127.0.0.1:{server.server_port}/mnist.npz")
    monkeypatch.setattr(source, "READ_TIMEOUT_S", 0.2)
    data = load_dataset("auto")
    done.set()
    assert data.name == "digits"
    assert "timed out" in data.source


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y_test": None}, "no array"),
        ({"x_train": np.zeros((200, 28, 28), np.float32)}, "uint8"),
        ({"x_train": np.zeros((200, 784), np.uint8)}, r"\[n, 28, 28\]"),
        ({"x_test": np.zeros((0, 28, 28), np.uint8)}, r"\[n, 28, 28\]"),
        ({"y_train": np.full(200, 10, np.uint8)}, "from 0 to 9"),
        ({"y_train": np.zeros(200)}, "whole numbers"),
        ({"y_train": np.zeros(199, np.uint8)}, "199 labels"),
        ({"y_test": np.zeros(50, np.uint8)}, "all ten digits"),
        ({"y_train": np.array([{}] * 200)}, "cannot be read"),
    ],
)
def test_a_file_with_other_contents_is_refused(tmp_path, monkeypatch, changes, words):
    path = archive(tmp_path / "mnist.npz", **changes)
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(path))
    with pytest.raises(ValueError, match=words) as caught:
        load_dataset("auto")
    assert str(path) in str(caught.value)
    assert ENVIRONMENT_VARIABLE in str(caught.value)


@pytest.mark.parametrize("keep", [0, 10, 5000, -30])
def test_a_truncated_file_is_refused(small, monkeypatch, keep):
    small.write_bytes(small.read_bytes()[:keep])
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(small))
    with pytest.raises(ValueError, match="truncated"):
        load_dataset("auto")


def test_a_missing_named_file_is_an_error_without_a_fallback(monkeypatch):
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "/nowhere/mnist.npz")
    with pytest.raises(FileNotFoundError, match="unset it"):
        load_dataset("auto")


def test_a_damaged_cache_says_to_delete_it(home):
    folder = home / ".keras" / "datasets"
    folder.mkdir(parents=True)
    (folder / "mnist.npz").write_bytes(b"half")
    with pytest.raises(ValueError, match="Delete"):
        load_dataset("auto")


def test_images_are_float32_from_0_to_1_and_the_digits_fill_them(digits):
    for split in (digits.train, digits.validation, digits.test):
        assert split.images.dtype == np.float32
        assert split.images.min() == 0.0
        assert split.images.max() == pytest.approx(1.0)


def test_grey_values_become_fractions_of_white(small, monkeypatch):
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(small))
    pixels = np.load(small)["x_test"]
    # Dividing in float64 and rounding once is at most an ulp of 1 from any other way.
    np.testing.assert_allclose(load_dataset().test.images, pixels / 255, atol=6e-8)


def test_digits_have_mnists_empty_margin(digits):
    frame = np.ones((28, 28), bool)
    frame[4:-4, 4:-4] = False
    assert not digits.train.images[:, frame].any()
    assert digits.train.images[:, ~frame].any()


def test_enlarging_keeps_each_digits_shape(digits):
    from sklearn.datasets import load_digits

    small = load_digits().images / 16
    everything = np.concatenate([s.images for s in (digits.train, digits.validation, digits.test)])
    # Sums over the image, scaled by the 2.5² pixels that one becomes, agree on the average.
    assert everything.sum() / 2.5**2 == pytest.approx(small.sum(), rel=0.1)


def test_each_part_has_the_same_class_fractions(digits):
    whole = sum(np.bincount(s.labels) for s in (digits.train, digits.validation, digits.test))
    for split in (digits.train, digits.validation, digits.test):
        fair = whole * len(split) / whole.sum()
        assert np.abs(np.bincount(split.labels) - fair).max() < 2  # each of two splits rounds once


def test_no_image_is_in_two_parts(digits):
    parts = [
        {image.tobytes() for image in split.images}
        for split in (digits.train, digits.validation, digits.test)
    ]
    whole = set().union(*parts)
    assert sum(map(len, parts)) == len(whole)


def test_the_seed_decides_the_split():
    assert load_dataset("digits").fingerprint == load_dataset("digits", seed=0).fingerprint
    assert load_dataset("digits").fingerprint != load_dataset("digits", seed=1).fingerprint


def test_mnists_test_set_is_unchanged(small, monkeypatch):
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(small))
    tests = [load_dataset(seed=seed).test.images for seed in (0, 1)]
    np.testing.assert_array_equal(*tests)


@pytest.mark.mnist
def test_the_real_mnist_has_its_known_sizes(mnist):
    assert (len(mnist.train), len(mnist.validation), len(mnist.test)) == (54_000, 6_000, 10_000)
    assert np.bincount(mnist.test.labels)[:3].tolist() == [980, 1135, 1032]  # LeCun's page


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"name": "cifar"}, ValueError),
        ({"seed": -1}, ValueError),
        ({"seed": 0.5}, TypeError),
        ({"validation_fraction": 0}, ValueError),
        ({"validation_fraction": 0.9}, ValueError),
    ],
)
def test_wrong_arguments_are_refused(arguments, error):
    with pytest.raises(error):
        load_dataset(**({"name": "digits"} | arguments))


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((2, 28, 28)), np.zeros(2, int)),
        (np.zeros((2, 28), np.float32), np.zeros(2, int)),
        (np.full((2, 28, 28), 2, np.float32), np.zeros(2, int)),
        (np.zeros((2, 28, 28), np.float32), np.zeros(3, int)),
        (np.full((2, 28, 28), np.nan, np.float32), np.zeros(2, int)),
    ],
)
def test_invalid_splits_are_refused(images, labels):
    with pytest.raises(ValueError, match="expected"):
        Split(images, labels)


def test_a_dataset_prints_its_sizes_not_its_arrays(digits):
    assert "1,293 to train" in str(digits)
    assert "array" not in repr(digits)
    assert isinstance(digits, Dataset)
