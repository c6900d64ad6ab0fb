"""The χ² distribution: against SciPy."""

import numpy as np
import pytest
from scipy.stats import chi2

from deployworkbook.formulas.chi_squared import chi_squared_quantile, chi_squared_tail


@pytest.mark.parametrize("degrees", [1, 2, 3, 9, 10, 99, 784])
def test_tail_equals_scipy(degrees):
    x = np.concatenate([[0.0, 1e-300, 1e-9], np.geomspace(0.01, 3000, 80)])
    expected = chi2.sf(x, degrees)
    assert chi_squared_tail(x, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-290)


@pytest.mark.parametrize("degrees", [1, 2, 9, 50])
@pytest.mark.parametrize("tail", [1e-12, 0.0001, 0.01, 0.5, 0.999])
def test_quantile_equals_scipy(degrees, tail):
    assert chi_squared_quantile(tail, degrees) == pytest.approx(chi2.isf(tail, degrees), rel=1e-9)


def test_shapes_are_kept_and_wrong_numbers_refused():
    assert chi_squared_tail(np.ones((2, 3)), 4).shape == (2, 3)
    with pytest.raises(ValueError, match="statistic"):
        chi_squared_tail(-1.0, 4)
    with pytest.raises(TypeError, match="degrees"):
        chi_squared_tail(1.0, 4.5)
