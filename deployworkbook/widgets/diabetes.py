"""Real data for an explorer: two blood values of 442 patients, and the course of their diabetes."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from deployworkbook.formulas.surfaces import Surface, linear_regression

PATH = Path(__file__).with_name("diabetes.csv")
PATIENTS = 442


@lru_cache(maxsize=1)
def diabetes_regression() -> Surface:
    """Build the loss of a linear regression of the disease's progression on two blood values.

    All columns are standardised, so the lowest loss is the unexplained share of the variance.
    Total cholesterol and its largest part, low-density lipoproteins, are correlated: if one weight
    rises and the other falls, the loss hardly changes, and so the bowl is elongated.

    >>> flattest, steepest = diabetes_regression().curvatures
    >>> round(steepest / flattest)
    18
    """
    columns = np.loadtxt(PATH, delimiter=",", comments="#", skiprows=4)
    standard = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    surface = linear_regression(
        standard[:, :2], standard[:, 2], name="Regression on 442 diabetes patients"
    )
    # A start on the slope of a wall and far along the floor; the minimum is in the middle.
    low, high = surface.limits.T
    return replace(surface, start=(low + high) / 2 + (high - low) / 2 * [-0.9, 0.5])
