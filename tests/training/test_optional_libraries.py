"""Keras loads pandas and SciPy only for those who use them."""

import sys
import threading
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import scipy.ndimage
import scipy.sparse

from deployworkbook.training import keras, optional_libraries
from deployworkbook.training.optional_libraries import is_sparse, without_optional_libraries


@pytest.fixture
def unloaded(monkeypatch):
    """Take the libraries out of what this process has loaded; afterwards they are as before."""
    for name in list(sys.modules):
        if name.partition(".")[0] in ("pandas", "scipy"):
            monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def places():
    """Keras's modules as after an import without the libraries; in the end as they were."""
    names = {
        "engine.data_adapter": ("pd", "_is_scipy_sparse"),
        "engine.training_v1": ("issparse",),
        "preprocessing.image": ("scipy", "linalg", "ndimage"),
    }
    with pytest.MonkeyPatch.context() as patch:
        found = {place: import_module(f"tf_keras.src.{place}") for place in names}
        for place, each in names.items():
            for name in each:
                patch.setattr(found[place], name, None, raising=False)
        optional_libraries.give_back()
        yield found


def test_an_import_of_theirs_fails_within_the_block_and_thread_only(
    unloaded, tmp_path, monkeypatch
):
    (tmp_path / "pandas.py").write_text("DataFrame = dict")
    monkeypatch.syspath_prepend(tmp_path)
    seen = {}

    def beside():
        seen["pandas"] = import_module("pandas")

    with without_optional_libraries():
        for name in ("pandas", "scipy", "scipy.sparse"):
            with pytest.raises(ImportError, match="left out"):
                import_module(name)
        thread = threading.Thread(target=beside)
        thread.start()
        thread.join()
        assert import_module("pandas") is seen["pandas"]  # what is loaded stays usable
    assert seen["pandas"].DataFrame is dict


def test_keras_looks_at_data_without_loading_them(unloaded, places):
    model = keras.Sequential([keras.layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 2)), np.ones(2), verbose=0)
    assert not {"pandas", "scipy"} & set(sys.modules)


def test_tables_and_sparse_matrices_are_recognised_once_they_are_loaded(places):
    adapter = places["engine.data_adapter"]
    assert adapter._is_pandas_series(pd.Series([1.0]))
    assert adapter.TensorLikeDataAdapter.can_handle(pd.DataFrame({"a": [1.0]}))
    assert is_sparse(scipy.sparse.csr_array([[1, 0]]))
    assert not is_sparse(np.ones(2))
    assert places["engine.training_v1"].issparse is is_sparse


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")
def test_images_are_rotated_by_scipy(places):
    assert places["preprocessing.image"].ndimage.rotate is scipy.ndimage.rotate
    picture = np.arange(16.0).reshape(4, 4, 1)
    turned = keras.preprocessing.image.apply_affine_transform(
        picture, theta=90, row_axis=0, col_axis=1, channel_axis=2
    )
    np.testing.assert_allclose(turned, np.rot90(picture), atol=1e-4)
