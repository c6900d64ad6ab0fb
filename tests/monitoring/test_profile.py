"""The reference profile: what it keeps, and what it refuses."""

import numpy as np
import pytest

from deployworkbook.formulas.label_free import negative_entropy
from deployworkbook.monitoring.profile import EMBEDDING, load_profile, make_profile


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    return generator.random((300, 4, 4)), generator.dirichlet(np.ones(10), 300)


def test_a_profile_is_read_as_it_was_written(data, tmp_path):
    embeddings = np.arange(600.0).reshape(300, 2)
    profile = make_profile(*data, model_sha256="ab", embeddings=embeddings)
    profile.save(tmp_path / "profile.npz")
    read = load_profile(tmp_path / "profile.npz")
    assert (read.classes, read.model_sha256) == (10, "ab")
    assert read.data_sha256 == profile.data_sha256
    assert read.certainty_threshold is profile.certainty_threshold is None
    assert read.features.keys() == profile.features.keys()
    for name, values in profile.features.items():
        np.testing.assert_array_equal(read.features[name], values)


def test_with_labels_as_many_are_certain_as_are_right(data, tmp_path):
    images, outputs = data
    labels = outputs.argmax(axis=1)
    labels[:60] = (labels[:60] + 1) % 10
    profile = make_profile(images, outputs, model_sha256="ab", labels=labels)
    assert (negative_entropy(outputs) >= profile.certainty_threshold).mean() == 0.8
    profile.save(tmp_path / "profile.npz")
    assert load_profile(tmp_path / "profile.npz").certainty_threshold == pytest.approx(
        profile.certainty_threshold, rel=1e-15
    )
    with pytest.raises(ValueError, match="labels"):
        make_profile(images, outputs, model_sha256="ab", labels=labels[:50])


def test_no_image_is_in_it(data, tmp_path):
    images, outputs = data
    make_profile(images, outputs, model_sha256="ab").save(tmp_path / "p.npz")
    assert (tmp_path / "p.npz").stat().st_size < images.nbytes / 3


def test_reference_and_held_out_images_are_different_ones(data):
    profile = make_profile(*data, model_sha256="ab", embeddings=np.arange(300.0)[:, None])
    halves = profile.reference(EMBEDDING), profile.held_out(EMBEDDING)
    assert len(set(halves[0].ravel()) & set(halves[1].ravel())) == 0
    assert len(halves[0]) == len(halves[1]) == 150


def test_the_order_is_random_and_the_same_for_equal_seeds(data):
    one, again, other = (make_profile(*data, model_sha256="a", seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.features["doubt"], again.features["doubt"])
    assert (one.features["doubt"] != other.features["doubt"]).any()


def test_another_model_is_refused(data):
    profile = make_profile(*data, model_sha256="ab" * 32)
    profile.check_model("ab" * 32)
    with pytest.raises(ValueError, match=r"cdcd.*make_profile"):
        profile.check_model("cd" * 32)


def test_what_is_no_profile_is_refused(data, tmp_path):
    (tmp_path / "p").write_bytes(b"no archive")
    with pytest.raises(ValueError, match="make_profile"):
        load_profile(tmp_path / "p")
    np.savez(tmp_path / "q.npz", about=np.array("{}"))
    with pytest.raises(ValueError, match="make_profile"):
        load_profile(tmp_path / "q.npz")
    np.savez(tmp_path / "r.npz", about=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="make_profile"):
        load_profile(tmp_path / "r.npz")
    with pytest.raises(FileNotFoundError):
        load_profile(tmp_path / "missing")
    with pytest.raises(ValueError, match="at least 100"):
        make_profile(data[0][:50], data[1][:50], model_sha256="ab")
    with pytest.raises(ValueError, match="a row of probabilities per image"):
        make_profile(data[0], data[1][:50], model_sha256="ab")
    with pytest.raises(ValueError, match="one per image"):
        make_profile(*data, model_sha256="ab", embeddings=np.zeros((3, 2)))
