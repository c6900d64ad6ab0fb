"""The note below a plot with the sources of its prices."""

import pytest

from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.note import price_note


def test_the_note_has_a_region_and_a_date_per_price():
    note = price_note(machine="tpu-v6e-1", storage="object-google")
    assert note.startswith("Modelled. Machines: us-central1, 2026-11-25; storage: us-central1, ")
    assert "transfer: us-east-1, 2026-06-02; wages: United States, 2024-05-01." in note


def test_own_prices_are_marked_as_yours(tmp_path):
    file = tmp_path / "prices.toml"
    file.write_text(
        "[sources.ours]\ntitle = 'Our contract'\nurl = ''\ndate = 2026-10-01\nregion = 'Oslo'\n"
        "basis = 'own'\n[figures]\n"
        "engineer_wage_usd_per_hour = { value = 60, source = 'ours' }\n"
    )
    assert "wages: Oslo, 2026-10-01 (yours)" in price_note(load_catalog(file))


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"Did you mean c7g\.large"):
        price_note(machine="c7g.larg")
