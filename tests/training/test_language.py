"""A language model: its text, its vocabulary, its training, and its cache."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.runtimes.decoder_graph import decoder_onnx
from deployworkbook.runtimes.onnx_decoder import ONNXDecoder
from deployworkbook.training.code_text import CodeText, is_held_out, load_code_text
from deployworkbook.training.decoder_training import decoder_logits
from deployworkbook.training.language import LanguageRecipe, language_model
from deployworkbook.training.language_saved import export_language_model
from deployworkbook.training.text_quality import TextQuality, measure_quality
from deployworkbook.training.vocabulary import Vocabulary, learn_vocabulary

# This file's own text, and another's of which the model learns nothing.
OWN = Path(__file__).read_bytes()
TEXT = CodeText({"one": OWN, "two": OWN[::-1]}, {"fit": OWN[1000:] + OWN[:1000]}, "Our own tests.")
RECIPE = LanguageRecipe.fast(seed=3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model trained in a few seconds, and the folder that keeps it."""
    folder = tmp_path_factory.mktemp("models")
    return language_model(RECIPE, text=TEXT, folder=folder), folder


@pytest.fixture
def library(tmp_path):
    """A folder with sources as a library has them."""
    files = {
        "json/__init__.py": b"import re\n",
        "json/decoder.py": b"x = 1\n",
        "json/tests/test_all.py": b"left out",
        "re/__init__.py": b"y = 2\n",
        "string.py": b"z = 3\n",
        "_sysconfigdata_x.py": b"left out",
        "site-packages/numpy.py": b"left out",
        "string.txt": b"left out",
        "turtle.py": b"left out",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def test_a_package_is_on_one_side_and_no_test_on_any(library):
    text = load_code_text(library)
    assert text.train == {"json": b"import re\n\0x = 1\n", "string": b"z = 3\n"}
    assert text.held_out == {"re": b"y = 2\n"}
    assert "PSF" in text.source
    assert "2 modules to train" in str(text)


def test_the_fingerprint_changes_with_the_text(library):
    first = load_code_text(library).fingerprint
    assert load_code_text(library).fingerprint == first
    (library / "string.py").write_bytes(b"z = 4\n")
    assert load_code_text(library).fingerprint != first


def test_a_folder_without_sources_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no Python sources"):
        load_code_text(tmp_path)


def test_about_a_tenth_of_all_modules_is_held_out():
    share = np.mean([is_held_out(f"module{number}") for number in range(2000)])
    assert 0.07 < share < 0.13


VOCABULARY = learn_vocabulary(OWN, 300)


@given(st.binary(max_size=80))
@settings(max_examples=50)
def test_decoding_undoes_encoding(text):
    assert VOCABULARY.decode(VOCABULARY.encode(text)) == text


def test_tokens_count_their_bytes():
    tokens = VOCABULARY.encode(OWN)
    assert VOCABULARY.lengths[tokens].sum() == len(OWN)
    assert len(tokens) < 0.8 * len(OWN)


def test_the_most_frequent_pair_comes_first():
    # "ab" three times, then "abc" twice; "bc" has become "ab" and "c".
    assert learn_vocabulary(b"abc abc ab", 258).tokens[256:] == [b"ab", b" ab"]
    assert learn_vocabulary(b"abcabc.ab", 258).tokens[256:] == [b"ab", b"abc"]


def test_a_vocabulary_ends_when_no_pair_is_left():
    assert len(learn_vocabulary(b"ab", 1000)) == 257


def test_a_pair_of_tokens_that_dont_exist_yet_is_refused():
    with pytest.raises(ValueError, match="257"):
        Vocabulary([(97, 98), (257, 99)])


def test_training_lowers_the_loss(trained):
    model, _ = trained
    assert model.is_new
    assert len(model.losses) == RECIPE.steps
    # A model that knows nothing needs the logarithm of the vocabulary's size.
    assert model.losses[0] == pytest.approx(np.log2(RECIPE.vocabulary), rel=0.02)
    assert np.mean(model.losses[-5:]) < 0.85 * model.losses[0]


def test_a_cached_model_is_read_without_tensorflow(trained, monkeypatch):
    first, folder = trained
    # An import of it would fail.
    monkeypatch.setitem(sys.modules, "deployworkbook.training.decoder_training", None)
    second = language_model(RECIPE, text=TEXT, folder=folder)
    assert not second.is_new
    assert second.losses == first.losses
    assert second.vocabulary.tokens == first.vocabulary.tokens
    for name, array in first.weights.items():
        np.testing.assert_array_equal(second.weights[name], array)


def test_an_exported_model_is_written_once(trained, tmp_path, monkeypatch):
    model, _ = trained
    saved = export_language_model(model, folder=tmp_path)
    assert (saved / "saved_model.pb").is_file()
    monkeypatch.setitem(sys.modules, "deployworkbook.training.decoder_saved", None)
    assert export_language_model(model, folder=tmp_path) == saved
    # Other weights are another file.
    other = model.with_weights({"unembedding": np.zeros((32, 320))})
    with pytest.raises(ImportError):
        export_language_model(other, folder=tmp_path)


def test_numpy_and_onnx_give_the_trained_models_logits(trained):
    model, _ = trained
    tokens = np.random.default_rng(0).integers(0, model.shape.vocabulary, (4, 32))
    theirs = decoder_logits(model.shape, model.weights, tokens.astype(np.int32)).numpy()
    assert np.abs(theirs).max() > 1
    # float32 sums in another order.
    np.testing.assert_allclose(model(tokens), theirs, rtol=0, atol=1e-4)
    onnx = ONNXDecoder(decoder_onnx(model.shape, model.weights))
    np.testing.assert_allclose(onnx(tokens), theirs, rtol=0, atol=1e-4)


def test_what_a_model_learned_makes_text_cheaper(trained):
    model, _ = trained
    quality = measure_quality(model, model.vocabulary, TEXT.held_out | {"again": OWN}, context=32)
    assert quality.bits_per_byte < 0.85 * 8
    low, high = quality.interval()
    assert low < quality.bits_per_byte < high


def test_a_model_with_other_weights_is_another_model(trained):
    model, _ = trained
    other = model.with_weights({"unembedding": np.zeros((32, 320))})
    assert not other(np.zeros((1, 3), int)).any()
    assert model(np.zeros((1, 3), int)).any()
    with pytest.raises(ValueError, match="unembedding"):
        model.with_weights({"unembedding": np.zeros((3, 3))})


def test_a_model_that_knows_nothing_needs_the_same_bits_for_each_token():
    def nothing(tokens):
        return np.zeros((*tokens.shape, 256), np.float32)

    # Windows of 8 bytes, after the first byte: 16 of 20 bytes, and 8 of 9.
    modules = {"a": bytes(range(20)), "b": b"123456789", "short": b"1234"}
    quality = measure_quality(nothing, Vocabulary([]), modules, context=8)
    assert quality.sizes == {"a": 16, "b": 8}
    assert quality.bits == pytest.approx({"a": 16 * 8, "b": 8 * 8})
    assert quality.bits_per_byte == pytest.approx(8)
    assert quality.interval() == pytest.approx((8, 8))


def test_long_modules_are_cut():
    def nothing(tokens):
        return np.zeros((*tokens.shape, 256), np.float32)

    quality = measure_quality(nothing, Vocabulary([]), {"a": OWN}, context=8, module_bytes=100)
    assert quality.sizes == {"a": 96}


def test_text_shorter_than_a_window_is_refused():
    with pytest.raises(ValueError, match="more than 8 tokens"):
        measure_quality(lambda tokens: tokens, Vocabulary([]), {"a": b"123"}, context=8)


def test_a_loss_is_compared_module_by_module():
    before = TextQuality({"a": 100.0, "b": 300.0}, {"a": 50, "b": 100})
    after = TextQuality({"a": 105.0, "b": 310.0}, {"a": 50, "b": 100})
    loss, (low, high) = after.loss_against(before)
    # 15 bits more for 150 bytes, in both modules alike.
    assert (loss, low, high) == pytest.approx((0.1, 0.1, 0.1))
    with pytest.raises(ValueError, match="same text"):
        after.loss_against(TextQuality({"a": 1.0}, {"a": 50}))


@pytest.mark.parametrize(
    "change",
    [{"vocabulary": 255}, {"steps": 0}, {"learning_rate": 0.0}, {"heads": 3}, {"module_bytes": 0}],
)
def test_recipes_that_make_no_sense_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        LanguageRecipe(**change)
