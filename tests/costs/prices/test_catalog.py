"""The catalogue: the shipped file, and own files, valid and broken."""

import math
import re
import tomllib
from datetime import date

import pytest

from deployworkbook.costs.prices.catalog_file import SHIPPED, load_catalog
from deployworkbook.costs.prices.changes import changes_between

SOURCE = 'source = "ec2"'
MACHINE = f'kind = "cpu", processor = "zen-4", vcpus = 2, memory_gib = 4, {SOURCE}'


@pytest.fixture
def own(tmp_path):
    """Return a function that writes a price file and returns its path."""

    def write(text):
        path = tmp_path / "own.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_catalogue_has_enough_entries_of_each_kind():
    catalog = load_catalog()
    kinds = [machine.kind for machine in catalog.machines.values()]
    assert len(kinds) >= 30
    assert {"cpu", "gpu", "tpu", "edge"} == set(kinds)
    cores = [m.processor.architecture for m in catalog.machines.values() if m.kind == "cpu"]
    assert {"x86", "arm"} == set(cores)
    assert {each.kind for each in catalog.storage.values()} == {
        "local-ssd",
        "network-ssd",
        "hdd",
        "object",
    }
    assert {each.kind for each in catalog.archives.values()} == {"archive"}


def test_each_fact_has_a_source_with_date_and_region():
    catalog = load_catalog()
    sections = (catalog.machines, catalog.storage, catalog.archives, catalog.balancers)
    in_field = (catalog.radios, catalog.batteries)
    for section in (*sections, catalog.transfer, catalog.figures, *in_field):
        for entry in section.values():
            assert entry.source.title
            assert entry.source.url.startswith("https://")
            assert entry.source.region
            assert date(2019, 1, 1) <= entry.source.date <= date(2026, 11, 30)
            assert entry.source.basis == "seen"
    for machine in catalog.machines.values():
        if machine.devices:
            assert machine.device_source.basis == "seen"


def test_each_microcontroller_says_where_its_figures_are_from():
    chips = load_catalog().microcontrollers
    assert {"cortex-m0plus", "cortex-m4", "riscv32", "avr"} == {c.core for c in chips.values()}
    for chip in chips.values():
        assert chip.name.split("x")[0][:6] in chip.device_source.title
        for source in (chip.source, chip.device_source):
            assert source.basis in {"seen", "recalled"}
            assert source.date <= date(2026, 11, 30)
        # What was not read again says so in its own words, too.
        assert (chip.device_source.basis == "recalled") == ("recalled" in chip.device_source.title)
        assert chip.sleep_ua < 1000 * chip.active_ma


def test_accelerators_agree_with_the_machines_that_have_them():
    catalog = load_catalog()
    names = {"t4", "l4", "a10g", "a100", "h100", "h200", "tpu-v5e", "tpu-v6e"}
    assert names <= set(catalog.accelerators)
    for machine in catalog.machines.values():
        chip = catalog.accelerators.get(machine.processor.name)
        if chip:
            assert chip.memory_gib == machine.device_memory_gib
            assert chip.memory_gb_per_s == machine.device_memory_gb_per_s
            assert chip.power_watts == machine.device_power_watts
    for chip in catalog.accelerators.values():
        assert chip.operations_per_s(16) < chip.operations_per_s(8) <= chip.operations_per_s(4)
        found = catalog.machines_with(chip.name)
        assert {each.accelerator for each in found} == {chip}
        assert [each.devices for each in found] == sorted(each.devices for each in found)
    with pytest.raises(ValueError, match="Did you mean h100"):
        catalog.machines_with("h1000")


def test_facts_of_language_models_say_where_they_are_from():
    catalog = load_catalog()
    entries = [
        *catalog.accelerators.values(),
        *catalog.accelerator_machines.values(),
        *catalog.language_models.values(),
        *catalog.token_prices.values(),
        *catalog.token_rates.values(),
    ]
    for entry in entries:
        assert entry.source.url.startswith("https://")
        assert entry.source.date <= date(2026, 11, 30)
        # What was not read again says so in its own words, too.
        assert (entry.source.basis == "recalled") == ("recalled" in entry.source.title)
    # A price in a source's words is the price in its entry.
    for name, price in catalog.token_prices.items():
        if "USD a million" in price.source.title:
            assert f"{price.prompt_usd_per_million:.2f}" in price.source.title, name


def test_models_have_as_many_weights_as_their_makers_say():
    # Billions of weights, as the models' cards round them.
    published = {
        "llama-2-7b": 6.74,
        "mistral-7b": 7.24,
        "llama-3.1-8b": 8.03,
        "llama-2-70b": 68.98,
        "llama-3.1-70b": 70.55,
        "mixtral-8x7b": 46.7,
        "qwen3-30b-a3b": 30.5,
    }
    models = load_catalog().language_models
    assert {name: round(model.parameters / 1e9, 2) for name, model in models.items()} == (
        pytest.approx(published, rel=2e-3)
    )


def test_a_model_of_your_own_must_fit_together(own):
    sizes = "layers = 2, width = 8, heads = 4, hidden = 16, vocabulary = 50, context = 32"
    text = "[language_models]\nmine = {{ " + sizes + ", kv_heads = {} }}\n"
    mine = load_catalog(own(text.format(2))).language_model("mine")
    assert (mine.shape.head_width, mine.source.basis) == (2, "own")
    with pytest.raises(ValueError, match=r"own.toml: language_models.mine.kv_heads: expected a"):
        load_catalog(own(text.format(3)))
    with pytest.raises(ValueError, match=r"token_prices.x.model: expected one of 'llama"):
        load_catalog(own('[token_prices]\nx = { model = "llama" }\n'))


def test_memories_of_a_microcontroller_count_in_units_of_1024():
    chip = load_catalog().microcontroller("ATmega328P")
    assert (chip.flash_bytes, chip.ram_bytes) == (32_768, 2_048)
    with pytest.raises(ValueError, match="Did you mean ATmega328P"):
        load_catalog().microcontroller("ATmega328")


def test_a_chip_of_your_own_needs_all_fields(own):
    known = "expected one of 'cortex-m0plus'"
    with pytest.raises(ValueError, match=rf"microcontrollers\.mine\.core: {known}"):
        load_catalog(own('[microcontrollers]\nmine = { core = "cortex-m99" }\n'))
    text = '[microcontrollers]\nmine = { core = "avr", clock_mhz = 16, flash_kib = 16 }\n'
    with pytest.raises(ValueError, match=r"mine\.ram_kib: expected a value"):
        load_catalog(own(text))


def test_each_assumption_has_a_reason_and_is_within_its_range():
    catalog = load_catalog()
    for each in catalog.assumptions.values():
        assert each.low < each.high
        assert each.low <= each.value <= each.high
        assert len(each.reason) > 5
    assert all(len(each.reason) > 5 for each in catalog.processors.values())


def test_servers_are_cores_or_devices():
    catalog = load_catalog()
    assert catalog.machine("c7i.large").servers == 1  # two threads of one core
    assert catalog.machine("c7g.large").servers == 2
    assert catalog.machine("g4dn.xlarge").servers == 1  # one GPU


def test_an_own_file_overrides_entries_by_name(own):
    path = own(
        '[machines]\n"c7g.large" = { price_usd_per_hour = 0.05 }\n'
        '"mine" = { kind = "cpu", processor = "zen-4", vcpus = 8, memory_gib = 32, '
        "price_usd_per_hour = 0.1 }\n"
        "[assumptions]\nhours_per_update = { value = 3 }\n"
        "[figures]\nwages_share = { value = 0.6 }\n"
    )
    catalog = load_catalog(path)
    machine = catalog.machine("c7g.large")
    assert machine.price_usd_per_hour == 0.05
    assert machine.memory_gib == 4  # as shipped
    # The source of an overridden price is the own file.
    assert machine.source.basis == "own"
    assert "own.toml" in machine.source.title
    assert catalog.machine("mine").servers == 8
    assert catalog.machine("c7g.xlarge") == load_catalog().machine("c7g.xlarge")
    assert catalog.value("hours_per_update") == 3
    assert catalog.value("wages_share") == 0.6
    assert catalog.files == ("catalog.toml", "own.toml")
    found = {
        (each.entry, each.field): each.after for each in changes_between(load_catalog(), catalog)
    }
    assert found["c7g.large", "price_usd_per_hour"] == "0.05"
    assert found["mine", ""] == "new"
    assert found["hours_per_update", "value"] == "3"


def test_an_own_file_may_define_sources(own):
    path = own(
        '[sources.list]\ntitle = "Our list"\nurl = ""\ndate = 2026-10-01\nregion = "here"\n'
        'basis = "own"\n[figures]\nwages_share = { value = 0.7, source = "list" }\n'
    )
    assert str(load_catalog(path).figures["wages_share"].source) == (
        "Our list (here, 2026-10-01, own)"
    )


def test_an_empty_file_changes_nothing(own):
    catalog = load_catalog(own(""))
    assert changes_between(load_catalog(), catalog) == []


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("[machines", ValueError, ["own.toml", "expected a TOML file"]),
        ("[machine]\n", ValueError, ["own.toml: section", "'machine'"]),
        ("machines = 3\n", TypeError, ["own.toml: machines", "expected a table"]),
        ('[machines]\n"c7g.large" = 3\n', TypeError, ["machines.c7g.large", "expected a table"]),
        (
            '[machines]\n"c7g.large" = { price_usd_per_month = 50 }\n',
            ValueError,
            [
                "own.toml: machines.c7g.large.price_usd_per_month",
                "Did you mean price_usd_per_hour?",
            ],
        ),
        (
            '[machines]\n"c7g.large" = { price_usd_per_hour = -0.1 }\n',
            ValueError,
            ["own.toml: machines.c7g.large.price_usd_per_hour", "-0.1"],
        ),
        (
            '[machines]\n"c7g.large" = { price_usd_per_hour = nan }\n',
            ValueError,
            ["machines.c7g.large.price_usd_per_hour", "nan"],
        ),
        (
            '[machines]\n"c7g.large" = { price_usd_per_hour = inf }\n',
            ValueError,
            ["machines.c7g.large.price_usd_per_hour", "inf"],
        ),
        (
            '[machines]\n"c7g.large" = { price_usd_per_hour = "0.07 USD" }\n',
            TypeError,
            ["machines.c7g.large.price_usd_per_hour", "'0.07 USD'"],
        ),
        (
            '[machines]\n"c7g.large" = { memory_gib = 4294967296 }\n',
            ValueError,
            ["machines.c7g.large.memory_gib", "4294967296"],  # bytes
        ),
        ('[machines]\n"c7g.large" = { vcpus = 2.5 }\n', TypeError, ["machines.c7g.large.vcpus"]),
        ('[machines]\n"c7g.large" = { vcpus = 0 }\n', ValueError, ["machines.c7g.large.vcpus"]),
        ('[machines]\n"c7g.large" = { kind = "fpga" }\n', ValueError, [".kind", "'gpu'"]),
        (
            '[machines]\n"c7g.large" = { processor = "zen-5" }\n',
            ValueError,
            ["machines.c7g.large.processor", "Did you mean zen-4?"],
        ),
        (f"[machines]\nnew = {{ {MACHINE} }}\n", ValueError, ["machines.new.price_usd_per_hour"]),
        (
            f"[machines]\nnew = {{ {MACHINE}, price_usd_per_hour = 1, price_usd = 1 }}\n",
            ValueError,
            ["machines.new.price_usd_per_hour", "no price_usd"],
        ),
        (
            '[machines]\nnew = { kind = "cpu", processor = "zen-4", vcpus = 2 }\n',
            ValueError,
            ["own.toml: machines.new.memory_gib", "nothing"],
        ),
        (
            '[machines]\nnew = { kind = "edge", processor = "zen-4", vcpus = 2, memory_gib = 4, '
            "price_usd = 5 }\n",
            ValueError,
            ["machines.new.power_watts"],
        ),
        (
            '[machines]\nnew = { kind = "gpu", processor = "t4", vcpus = 2, memory_gib = 4, '
            "price_usd_per_hour = 5 }\n",
            ValueError,
            ["machines.new.devices"],
        ),
        (
            "[storage]\nobject = { tiers = [] }\n",
            TypeError,
            ["own.toml: storage.object.tiers", "a list of tiers"],
        ),
        (
            "[storage]\nobject = { tiers = [{ price_usd_per_gib = 1 }] }\n",
            ValueError,
            ["storage.object.tiers[0].price_usd_per_gib", "price_usd_per_gib_month"],
        ),
        (
            "[transfer]\ninternet = { tiers = [{ up_to_gib = 5, price_usd_per_gib = 1 }] }\n",
            ValueError,
            ["transfer.internet.tiers", "none in the last"],
        ),
        (
            "[transfer]\ninternet = { tiers = [{ up_to_gib = 5, price_usd_per_gib = 1 }, "
            "{ up_to_gib = 4, price_usd_per_gib = 1 }, { price_usd_per_gib = 1 }] }\n",
            ValueError,
            ["transfer.internet.tiers", "rises"],
        ),
        (
            "[assumptions]\nhours_per_update = { value = 50 }\n",
            ValueError,
            ["own.toml: assumptions.hours_per_update.value", "within its own range"],
        ),
        (
            "[assumptions]\nspot_discount_share = { value = 60 }\n",
            ValueError,
            ["assumptions.spot_discount_share.value", "60"],  # percent
        ),
        (
            '[assumptions]\nnonsense = { value = 1, low = 0, high = 2, reason = "none" }\n',
            ValueError,
            ["own.toml: assumptions.nonsense", "an unknown entry", "hours_per_update"],
        ),
        (
            "[assumptions]\nhours_per_updates = { value = 3 }\n",
            ValueError,
            ["assumptions.hours_per_updates", "Did you mean hours_per_update?"],
        ),
        (
            '[machines]\n"c7g.larg" = { price_usd_per_hour = 1 }\n',
            ValueError,
            ["own.toml: machines.c7g.larg.", "a new entry", "Did you mean c7g.large?"],
        ),
        (
            "[transfer]\nwithin-zones = { tiers = [{ price_usd_per_gib = 1 }] }\n",
            ValueError,
            ["transfer.within-zones", "Did you mean between-zones?"],
        ),
        (
            "[transfer]\nbetween-zones = { tiers = [{ up_to_gib = 5, price_usd_per_gib = 1 }, "
            "{ price_usd_per_gib = 2 }] }\n",
            ValueError,
            ["transfer.between-zones.tiers", "expected one tier"],
        ),
        (
            f'[machines]\n"" = {{ {MACHINE}, price_usd_per_hour = 1 }}\n',
            ValueError,
            ["own.toml: machines", "an empty name"],
        ),
        (
            '[machines]\n"c7g.large" = { name = "other" }\n',
            ValueError,
            ["machines.c7g.large.name", "expected one of kind, processor"],
        ),
        (
            '[sources.mine]\ntitle = "t"\nurl = ""\ndate = 2999-01-01\nregion = "r"\n'
            'basis = "own"\n',
            ValueError,
            ["sources.mine.date", "today at the latest", "2999-01-01"],
        ),
        (
            '[processors]\nzen-4 = { reason = "" }\n',
            TypeError,
            ["processors.zen-4.reason", "a text"],
        ),
        (
            "[processors]\nzen-4 = { speed_ratio = 9 }\n",
            ValueError,
            ["processors.zen-4.speed_ratio"],
        ),
        (
            '[sources.mine]\ntitle = "t"\nurl = ""\ndate = "2026-01-01"\nregion = "r"\n'
            'basis = "own"\n',
            TypeError,
            ["sources.mine.date", "without quotation marks"],
        ),
        (
            '[figures]\nwages_share = { value = 0.7, source = "nobody" }\n',
            ValueError,
            ["figures.wages_share.source", "'nobody'"],
        ),
    ],
)
def test_a_broken_file_names_itself_and_the_field(own, text, error, words):
    with pytest.raises(error) as caught:
        load_catalog(own(text))
    for word in words:
        assert word in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.toml"):
        load_catalog(tmp_path / "none.toml")


def test_a_wrong_name_suggests_the_closest():
    with pytest.raises(ValueError, match=r"Did you mean c7g\.medium\?"):
        load_catalog().machine("c7g.medum")
    with pytest.raises(ValueError, match="'network-ssd'"):
        load_catalog().storage_named("tape")
    with pytest.raises(ValueError, match="Did you mean hours_per_update"):
        load_catalog().value("hours_per_updates")


def test_the_catalogue_is_cached_and_immutable():
    assert load_catalog() is load_catalog()
    with pytest.raises(TypeError):
        load_catalog().machines["x"] = None  # type: ignore[index]
    assert math.isinf(load_catalog().storage["object"].tiers[-1].up_to_gib)


def numeric_fields():
    """Return each section's numeric fields, with the first entry that has each."""
    found = {}
    for section, entries in tomllib.loads(SHIPPED.read_text()).items():
        for name, entry in entries.items():
            for key, value in entry.items():
                if isinstance(value, int | float):
                    found.setdefault((section, key), name)
    return [(section, name, key) for (section, key), name in found.items()]


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "-inf", "1e300", '"12"', "true", "[1]"])
def test_invalid_numbers_are_refused_in_every_field(own, value):
    for section, name, key in numeric_fields():
        label = rf"own\.toml: {section}\.{re.escape(name)}\.{key}: expected"
        path = own(f'[{section}]\n"{name}" = {{ {key} = {value} }}\n')
        with pytest.raises((ValueError, TypeError), match=label):
            load_catalog(path)


def test_there_are_many_numeric_fields():
    assert len(numeric_fields()) > 20
