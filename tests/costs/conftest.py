"""Fixtures for the tests of costs: profiles as measured on some machine."""

import pytest

from deployworkbook.costs.estimation.profile import Profile


@pytest.fixture
def int8():
    """A small model in a fast runtime."""
    return Profile("int8", "litert", 0.004, 0.1, 0.9773, 105_920, 92_879, 190e6)


@pytest.fixture
def float32():
    """The same, uncompressed, in a slow runtime."""
    return Profile("float32", "keras", 38.7, 0.05, 0.9774, 409_068, 379_481, 900e6)
