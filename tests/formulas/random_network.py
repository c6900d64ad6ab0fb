"""A random network with random examples, for tests of several formulas."""

from itertools import pairwise

import numpy as np

from deployworkbook.formulas.distributions import one_hot


def network(widths, count, seed=0):
    """Return random parameters, and random inputs with one-hot targets."""
    generator = np.random.default_rng(seed)
    parameters = [
        array
        for before, after in pairwise(widths)
        for array in (
            generator.normal(size=(before, after)) / np.sqrt(before),
            generator.normal(size=after),
        )
    ]
    labels = generator.integers(0, widths[-1], size=count)
    return parameters, generator.normal(size=(count, widths[0])), one_hot(labels, widths[-1])
