"""The note below a picture says where its prices come from."""

import pytest

from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.prices.note import price_note


def test_each_kind_of_price_has_its_region_and_its_day():
    note = price_note(machine="tpu-v6e-1", storage="object-google")
    assert note.startswith("Modelled. Machines: us-central1, 2026-11-25; storage: us-central1, ")
    assert "transfer: us-east-1, 2026-06-02; wages: United States, 2024-05-01." in note


def test_prices_of_your_own_are_said_to_be_yours(tmp_path):
    file = tmp_path / "prices.toml"
    file.write_text(
        "[sources.ours]\ntitle = 'Our contract'\nurl = ''\ndate = 2026-10-01\nregion = 'Oslo'\n"
        "basis = 'own'\n[figures]\n"
        "engineer_wage_usd_per_hour = { value = 60, source = 'ours' }\n"
    )
    assert "wages: Oslo, 2026-10-01 (yours)" in price_note(load_catalog(file))


def test_what_the_catalogue_lacks_is_refused_by_name():
    with pytest.raises(ValueError, match=r"Did you mean c7g\.large"):
        price_note(machine="c7g.larg")
