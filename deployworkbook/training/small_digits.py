"""The 1,797 handwritten digits of 8×8 pixels that come with scikit-learn, and their enlargement.

Source: E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning
Repository, 1998.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Within scikit-learn. Importing its own reader takes seconds: it loads SciPy's statistics.
FILE = "datasets/data/digits.csv.gz"
WHITE = 16


def small_digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read the digits, as ``sklearn.datasets.load_digits`` does.

    Returns:
        Images with grey values in 0 … 16, shape ``[1797, 8, 8]``, and their labels, ``[1797]``.

    >>> images, labels = small_digits()
    >>> images.shape, labels[:5].tolist()
    ((1797, 8, 8), [0, 1, 2, 3, 4])
    """
    spec = find_spec("sklearn")
    for folder in (spec and spec.submodule_search_locations) or []:
        path = Path(folder) / FILE
        if path.exists():
            rows = np.loadtxt(path, delimiter=",")
            return rows[:, :-1].reshape(-1, 8, 8), rows[:, -1].astype(np.int64)
    from sklearn.datasets import load_digits  # a version that keeps its file elsewhere

    found = load_digits()
    return found.images, found.target.astype(np.int64)
