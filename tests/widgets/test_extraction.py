"""The extraction explorer: agreement between measured copies, time, price, and the limit."""

import pytest

from deployworkbook.widgets.extraction import extraction_explorer
from tests.widgets.attack_examples import COPIES, Copies, share


@pytest.fixture(scope="module")
def explorer():
    return extraction_explorer(COPIES)


def test_measured_numbers_of_queries_show_their_own_agreement(explorer):
    assert explorer.set(defence="none", queries=1000.0).agreement == pytest.approx(0.9)
    assert explorer.set(defence="label only").agreement == pytest.approx(0.8)


def test_agreement_is_interpolated_between_measured_copies(explorer):
    between = explorer.set(defence="none", queries=1000.0 * 10**0.5)
    assert between.agreement == pytest.approx(0.925)


def test_more_clients_get_around_the_limit(explorer):
    one = explorer.set(queries=6000.0, limit_per_minute=100.0, clients=1.0)
    assert one.hours == pytest.approx(1.0)
    assert explorer.set(clients=10.0).hours == pytest.approx(0.1)


def test_limit_below_an_honest_clients_rate_is_said(explorer):
    assert explorer.set(limit_per_minute=10.0, honest_per_minute=20.0).is_denied
    assert dict(explorer._view.table(explorer.result))["the limit refuses honest clients"] == "yes"
    assert not explorer.set(limit_per_minute=20.0).is_denied


@pytest.mark.parametrize("copies", [{}, {"none": Copies((100,), (share(0.7),))}])
def test_too_few_copies_are_refused(copies):
    with pytest.raises(ValueError, match="copies"):
        extraction_explorer(copies)
