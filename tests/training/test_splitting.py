"""The stratified split and the small digits: the same as scikit-learn's, without importing it."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from deployworkbook.training import small_digits as source
from deployworkbook.training.small_digits import small_digits
from deployworkbook.training.splitting import stratified_split


@given(
    labels=st.lists(st.integers(0, 9), min_size=2, max_size=300),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_seed_splits_as_in_scikit_learn(labels, fraction, seed):
    labels = np.array(labels)
    try:
        theirs = train_test_split(
            np.arange(len(labels)), test_size=fraction, random_state=seed, stratify=labels
        )
    except ValueError:
        with pytest.raises(ValueError, match="number of classes"):
            stratified_split(labels, fraction, seed)
        return
    for own, their in zip(stratified_split(labels, fraction, seed), theirs, strict=True):
        np.testing.assert_array_equal(own, np.sort(their))


def test_an_impossible_split_names_what_is_missing():
    with pytest.raises(ValueError, match=r"at least 2, .* takes 1 of 4 examples"):
        stratified_split(np.array([0, 0, 1, 1]), 0.1, seed=0)


@pytest.mark.parametrize("file", [source.FILE, "moved/elsewhere.csv.gz"])
def test_the_small_digits_are_scikit_learns(file, monkeypatch):
    monkeypatch.setattr(source, "FILE", file)
    images, labels = small_digits()
    theirs = load_digits()
    np.testing.assert_array_equal(images, theirs.images)
    np.testing.assert_array_equal(labels, theirs.target)


def test_loading_digits_imports_neither_scikit_learn_nor_scipys_statistics():
    program = """
import sys
from deployworkbook.training import load_dataset
load_dataset("digits")
print([name for name in ("sklearn", "scipy.stats", "tensorflow") if name in sys.modules])
"""
    said = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert said == "[]\n"
