"""Modules that are loaded when they are first used."""

import sys

import pytest

from deployworkbook.workspace.later import Later, imported_later


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A package that nobody has imported, and a module that imports it."""
    (tmp_path / "workbook_shop").mkdir()
    (tmp_path / "workbook_shop" / "__init__.py").write_text("open = True")
    (tmp_path / "workbook_shop" / "shelf.py").write_text("height = 2")
    (tmp_path / "workbook_street.py").write_text("import workbook_shop")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("workbook_shop", "workbook_shop.shelf", "workbook_street"):
        monkeypatch.setitem(sys.modules, name, None)
        del sys.modules[name]


@pytest.mark.usefixtures("shop")
def test_a_module_is_loaded_when_a_library_that_imported_it_uses_it():
    with imported_later("workbook_shop"):
        import workbook_street
    assert "workbook_shop" not in sys.modules
    assert isinstance(workbook_street.workbook_shop, Later)
    assert workbook_street.workbook_shop.open
    import workbook_shop

    assert not isinstance(workbook_shop, Later)


@pytest.mark.usefixtures("shop")
def test_a_use_within_the_block_and_a_name_that_is_missing_are_those_of_the_module():
    with imported_later("workbook_shop"):
        import workbook_street

        assert workbook_street.workbook_shop.open
        with pytest.raises(AttributeError, match="workbook_shop"):
            print(workbook_street.workbook_shop.closed)
    assert sys.modules["workbook_shop"].open


@pytest.mark.usefixtures("shop")
def test_a_part_of_the_module_can_be_imported_within_the_block():
    with imported_later("workbook_shop"):
        import workbook_street
        from workbook_shop.shelf import height
    assert height == workbook_street.workbook_shop.shelf.height == 2


@pytest.mark.usefixtures("shop")
def test_a_module_that_is_loaded_stays():
    import workbook_shop

    with imported_later("workbook_shop"):
        import workbook_street
    assert workbook_street.workbook_shop is workbook_shop
