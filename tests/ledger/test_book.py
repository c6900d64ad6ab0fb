"""The ledger stores measurements and survives damage."""

import os
import signal
import sqlite3
from dataclasses import FrozenInstanceError, fields, replace
from random import Random

import pandas as pd
import pytest

from deployworkbook.ledger import copies
from deployworkbook.ledger.book import Ledger
from deployworkbook.ledger.machine import this_machine
from deployworkbook.ledger.measurement import Measurement
from deployworkbook.ledger.rows import readable_rows
from deployworkbook.ledger.schema import APPLICATION_ID, MIGRATIONS
from tests.ledger.writers import ROWS, write_half, write_rows, write_the_same
from tests.processes import CONTEXT

WRITERS = 8

FULL = Measurement(
    variant="float32",
    runtime="savedmodel",
    runtime_version="2.21",
    dataset="mnist",
    dataset_fingerprint="abc",
    lesson="04_training",
    kind="measured",
    size_bytes=430_822,
    compressed_bytes=380_497,
    correct=9_774,
    examples=10_000,
    latency_p50_ms=0.16612,
    latency_p99_ms=0.3,
    throughput_per_s={1: 5_000.0, 256: 400_000.0},
    peak_memory_bytes=600_000_000,
    threads=2,
    load_ms=512.25,
    ready_ms=4_012.5,
    service_load_per_s=450.0,
    # Longer than a page of the file.
    service_times_ms=tuple(0.7 + 0.001 * n for n in range(900)),
    note="as trained",
    made_by="0123456789abcdef",
    flash_bytes=5_800,
    ram_bytes=1_376,
    instructions_per_image=83_560.25,
)
WITHOUT_TIMES = replace(FULL, service_times_ms=())
LEAST = Measurement("int8", "litert", "2.3", "digits", "def", kind="modelled")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


def test_every_field_is_stored_and_read_back(path):
    ledger = Ledger(path)
    assert ledger.add_all([FULL, LEAST]) == [1, 2]
    first, second = Ledger(path).entries()
    assert first.machine == this_machine()
    for field in fields(Measurement):
        assert getattr(first.measurement, field.name) == getattr(FULL, field.name), field.name
    assert second.measurement == LEAST


def test_eight_writers_lose_nothing(path):
    Ledger(path)
    writers = [CONTEXT.Process(target=write_rows, args=(path, n)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        Ledger(path).entries()  # a concurrent reader neither blocks writers nor fails
        for writer in writers:
            writer.join(0.05)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    written = {entry.measurement.variant for entry in Ledger(path).entries()}
    assert written == {f"w{n}-{row}" for n in range(WRITERS) for row in range(ROWS)}


def test_a_kill_in_a_transaction_keeps_what_was_committed(path):
    Ledger(path).add(FULL)
    started = CONTEXT.Event()
    process = CONTEXT.Process(target=write_half, args=(path, started))
    process.start()
    assert started.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert len(Ledger(path).entries()) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"not a database at all" * 100,
        lambda content: content[: len(content) // 2],
        lambda content: content[:4096] + bytes(4096) + content[8192:],
    ],
    ids=["garbage", "truncated", "a page of zeros"],
)
def test_a_damaged_file_is_set_aside_and_its_readable_rows_are_rescued(
    path, damage, request, caplog
):
    Ledger(path).add_all([FULL] * 50)
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)

    ledger = Ledger(path)

    kept = ledger.entries()
    # A row's service times fill pages of their own, and can be lost by themselves.
    times = {entry.measurement.service_times_ms for entry in kept}
    assert times <= {(), FULL.service_times_ms}
    assert all(replace(entry.measurement, service_times_ms=()) == WITHOUT_TIMES for entry in kept)
    if "garbage" in request.node.name:
        assert kept == []
    elif "zeros" in request.node.name:  # the page held no measurement
        assert len(kept) == 50
    (aside,) = path.parent.glob("ledger-damaged-*.sqlite")
    assert aside.read_bytes() == damaged
    assert aside.name in caplog.messages[0]
    assert f"{len(kept)} of " in caplog.messages[0]
    assert ledger.add(FULL) == max([entry.id for entry in kept], default=0) + 1


def execute(path, statement):
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "variant = cast(x'31ff32' as text)",
        "variant = x'00'",
        "size_bytes = -1",
        "correct = 'many'",
        "measured_at = 'yesterday'",
        "kind = 'guessed'",
        "latency_p50_ms = 9e999",
    ],
)
def test_an_invalid_row_does_not_affect_other_rows(path, change, caplog):
    ledger = Ledger(path)
    ledger.add_all([FULL, LEAST, FULL])
    execute(path, f"UPDATE measurements SET {change} WHERE id = 2")  # noqa: S608
    assert ledger.add(LEAST) == 4
    assert [(entry.id, entry.measurement) for entry in ledger.entries()] == [
        (1, FULL),
        (3, FULL),
        (4, LEAST),
    ]
    assert "3 of 4 rows were saved" in caplog.messages[0]
    assert len(caplog.messages) == 1
    assert len(list(path.parent.glob("ledger-damaged-*.sqlite"))) == 1


@pytest.mark.parametrize("version", [-1, 0, 2_000])
def test_an_impossible_schema_version_counts_as_damage(path, version, caplog):
    Ledger(path).add(FULL)
    execute(path, f"PRAGMA user_version = {version}")
    (entry,) = Ledger(path).entries()
    assert entry.measurement == FULL
    assert f"schema {version}" in caplog.messages[0]


def test_a_ledger_with_another_programs_mark_is_recognized_by_its_tables(path, caplog):
    Ledger(path).add(FULL)
    execute(path, "PRAGMA application_id = 1")
    assert [each.measurement for each in Ledger(path).entries()] == [FULL]
    assert "1 of 1 rows" in caplog.messages[0]


@pytest.mark.parametrize("place", [18, 19])
def test_a_header_that_makes_the_file_read_only_counts_as_damage(path, place):
    Ledger(path).add(FULL)
    content = bytearray(path.read_bytes())
    content[place] = 9
    path.write_bytes(content)
    ledger = Ledger(path)
    ledger.add(LEAST)
    assert [entry.measurement for entry in ledger.entries()] == [FULL, LEAST]


def test_rows_whose_machine_is_lost_are_kept(path):
    ledger = Ledger(path)
    ledger.add_once(FULL, machine=replace(this_machine(), name="elsewhere"))
    execute(path, "UPDATE machines SET cores = 'several'")
    (entry,) = ledger.entries()
    assert entry.measurement == FULL
    assert "unknown" in entry.machine.name


def test_two_rows_with_the_same_number_after_damage_are_both_kept(path):
    Ledger(path).add_all([FULL, LEAST])
    content = path.read_bytes()
    # The key comes right before the record: 26 columns, of which the first is stored as NULL.
    place = content.rindex(b"\x02\x1b\x00")
    found = readable_rows(content[:place] + b"\x01" + content[place + 1 :]).entries
    assert {entry.measurement.variant for entry in found.values()} == {"float32", "int8"}


def test_rows_that_are_only_in_the_log_are_rescued_too(path):
    ledger = Ledger(path)
    ledger.add(FULL)
    reader = sqlite3.connect(path)  # keeps the log from being written into the file
    reader.execute("SELECT * FROM measurements").fetchall()
    ledger.add_all([LEAST, replace(FULL, note="long " * 3_000)])
    assert path.with_name("ledger.sqlite-wal").stat().st_size
    content = bytearray(path.read_bytes())
    log = path.with_name("ledger.sqlite-wal").read_bytes()
    found = readable_rows(bytes(content), log).entries
    reader.close()
    assert [found[number].measurement.variant for number in (1, 2, 3)] == [
        "float32",
        "int8",
        "float32",
    ]
    assert found[3].measurement.note == "long " * 3_000


def test_lost_rows_are_restored_from_the_daily_copy(path, monkeypatch, caplog):
    Ledger(path).add(FULL)
    Ledger(path).add(LEAST)  # copies the first row
    assert len(copies.copies_of(path)) == 1
    Ledger(path)
    assert len(copies.copies_of(path)) == 1
    path.write_bytes(b"all is lost" * 1_000)
    assert [each.measurement for each in Ledger(path).entries()] == [FULL]
    assert "1 of them from a copy" in caplog.messages[0]


def test_only_a_few_copies_are_kept(path, monkeypatch):
    monkeypatch.setattr(copies, "EVERY_S", -1.0)
    stamps = iter(f"2026010{day}T000000" for day in range(1, 8))
    monkeypatch.setattr(copies, "timestamp", lambda: next(stamps))
    for _ in range(6):
        Ledger(path).add(FULL)
    Ledger(path)
    kept = [copy.stem[-15:] for copy in copies.copies_of(path)]
    assert kept == ["20260104T000000", "20260105T000000", "20260106T000000"]
    Ledger(path)  # without a new row there is no new copy
    assert len(copies.copies_of(path)) == copies.KEPT
    assert not list((path.parent / "backups").glob("*.tmp"))


def test_random_damage_raises_no_error_and_loses_at_most_the_damaged_row(path):
    # Few have times, which would fill most of the file.
    rows = [
        replace(FULL if number % 20 == 0 else WITHOUT_TIMES, variant=f"v{number}")
        for number in range(60)
    ]
    Ledger(path).add_all(rows)
    content, random = path.read_bytes(), Random(0)
    for _ in range(20):
        damaged = bytearray(content)
        place = random.randrange(100, len(damaged))
        damaged[place] ^= 1 << random.randrange(8)
        path.write_bytes(damaged)
        found = Ledger(path).entries()
        # One bit lies in one row, or in one page's list of its rows.
        assert len(found) >= 60 - 4096 // 150
        assert sum(each.measurement in rows for each in found) >= len(found) - 1
        for other in path.parent.glob("ledger-damaged-*"):
            other.unlink()


def test_the_database_of_another_program_is_left_alone(path):
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(ValueError, match="another program"):
        Ledger(path)
    assert path.read_bytes() == before


def test_the_ledger_of_a_newer_workbook_is_left_alone(path):
    Ledger(path).add(FULL)
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    newer.close()
    before = path.read_bytes()
    with pytest.raises(ValueError, match="newer workbook"):
        Ledger(path)
    assert path.read_bytes() == before


def test_add_once_adds_equal_made_by_only_once(path):
    writers = [CONTEXT.Process(target=write_the_same, args=(path,)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    ledger = Ledger(path)
    assert sorted(int(entry.measurement.made_by) for entry in ledger.entries()) == [*range(ROWS)]
    there = ledger.entries()[0]
    assert ledger.add_once(there.measurement) == there.id


def test_a_row_names_the_machine_that_measured_it(path):
    other = replace(this_machine(), name="elsewhere")
    ledger = Ledger(path)
    ledger.add_once(FULL, machine=other)
    assert [entry.machine for entry in ledger.entries()] == [other]


def test_add_once_needs_made_by(path):
    with pytest.raises(ValueError, match="made_by: expected a hash"):
        Ledger(path).add_once(LEAST)


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_migrating_an_earlier_schema_keeps_its_rows(path, version):
    connection = sqlite3.connect(path, isolation_level=None)
    for migration in MIGRATIONS[:version]:
        connection.executescript(migration)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("INSERT INTO machines VALUES ('m', 'n', 'p', 1, 1, 's')")
    connection.execute(
        "INSERT INTO measurements (measured_at, machine, lesson, variant, runtime, runtime_version,"
        " dataset, dataset_fingerprint, kind, note) VALUES"
        " ('2026-01-01', 'm', '', 'float32', 'litert', '2', 'mnist', 'f', 'measured', 'old')"
    )
    connection.close()
    # A damaged ledger's rows may be of any version as well.
    (rescued,) = readable_rows(path.read_bytes()).entries.values()
    assert rescued.measurement == Measurement("float32", "litert", "2", "mnist", "f", note="old")
    (entry,) = Ledger(path).entries()
    assert entry.measurement == Measurement("float32", "litert", "2", "mnist", "f", note="old")
    Ledger(path).add(FULL)
    assert Ledger(path).entries()[1].measurement == FULL


def test_the_file_has_the_application_id_and_schema_version(path):
    Ledger(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_folder_in_place_of_the_ledger_is_an_error(path):
    path.mkdir()
    with pytest.raises(OSError, match="can't be opened as the ledger"):
        Ledger(path)


def test_the_default_is_the_workspaces_ledger(home):
    Ledger().add(FULL)
    assert (home / "deployworkbook" / "ledger.sqlite").exists()


def test_the_table_has_units_and_numbers(path):
    ledger = Ledger(path)
    ledger.add_all([FULL, LEAST])
    table = ledger.table()
    first = table.loc[1]
    assert first["size (KB)"] == 430.8
    assert first["accuracy (%)"] == 97.74
    # Wilson's interval of 9,774 of 10,000, as statsmodels and SciPy give it.
    assert first["95 % interval"] == "97.43–98.01 %"
    assert first["p50 (ms)"] == 0.166
    assert (first["best images/s"], first["at batch"]) == (400_000, 256)
    assert pd.isna(table.loc[2]["accuracy (%)"])
    for column in ("size (KB)", "p99 (ms)", "memory (MB)", "accuracy (%)"):
        assert table[column].dtype == "float64", column
    details = ledger.table(details=True).loc[1]
    assert (details["threads"], details["load (ms)"], details["ready (ms)"]) == (2, 512, 4010)


def test_a_microcontroller_s_figures_are_shown_if_a_row_has_them(path):
    ledger = Ledger(path)
    ledger.add(replace(LEAST, kind="measured"))
    assert "flash (KB)" not in ledger.table()
    assert pd.isna(ledger.table(details=True).loc[1]["flash (KB)"])
    chip = replace(LEAST, runtime="cortex-m0plus", flash_bytes=5_804, ram_bytes=1_376)
    ledger.add(replace(chip, instructions_per_image=83_560.4))
    row = ledger.table().loc[2]
    assert (row["flash (KB)"], row["RAM (KB)"], row["instructions"]) == (5.8, 1.38, 83_560)
    assert pd.isna(ledger.table().loc[1]["instructions"])


def test_figures_in_the_table_are_rounded(path):
    ledger = Ledger(path)
    ledger.add(
        replace(
            FULL,
            size_bytes=1_234,
            compressed_bytes=1_250,
            correct=1,
            examples=3,
            peak_memory_bytes=1_234_567,
        )
    )
    row = ledger.table().loc[1]
    assert (row["size (KB)"], row["zipped (KB)"]) == (1.2, 1.2)
    assert (row["accuracy (%)"], row["memory (MB)"]) == (33.33, 1)


def test_the_table_shows_the_newest_row_per_variant_unless_every_is_set(path):
    ledger = Ledger(path)
    for size in (10_000, 20_000):
        ledger.add(Measurement("float32", "r", "1", "d", "f", size_bytes=size))
    assert ledger.table()["size (KB)"].tolist() == [20.0]
    assert ledger.table(every=True)["size (KB)"].tolist() == [10.0, 20.0]
    assert "note" in ledger.table(details=True)
    assert "note" not in ledger.table()


def test_variants_made_differently_under_one_name_are_both_shown(path):
    ledger = Ledger(path)
    form = Measurement("prune97-int4", "litert", "2", "mnist", "f", correct=1, examples=2)
    rows = [
        replace(form, made_by="3f2a91bb", correct=9_754, examples=10_000),
        replace(form, made_by="77aa00cc", correct=9_500, examples=10_000),
        replace(form, made_by="77aa00cc", correct=9_520, examples=10_000),
    ]
    ledger.add_all(rows)
    shown = ledger.table()
    # The better form keeps its row; the newest of the other one stands for both of its rows.
    assert shown["variant"].tolist() == ["prune97-int4-3f2a91", "prune97-int4"]
    assert shown["accuracy (%)"].tolist() == [97.54, 95.2]
    assert len(ledger.table(every=True)) == 3


@pytest.mark.parametrize(
    "change",
    [{"dataset_fingerprint": "other"}, {"runtime": "onnx"}, {"kind": "modelled"}],
    ids=lambda change: next(iter(change)),
)
def test_rows_differing_in_data_runtime_or_kind_are_both_shown(path, change):
    ledger = Ledger(path)
    ledger.add_all([FULL, replace(FULL, **change)])
    assert ledger.table().index.tolist() == [1, 2]
    assert ledger.table()["variant"].tolist() == ["float32", "float32"]


def test_rows_of_different_machines_are_both_shown(path):
    ledger = Ledger(path)
    here, there = (replace(FULL, made_by=text) for text in ("1", "2"))
    ledger.add_once(here, machine=this_machine())
    ledger.add_once(there, machine=replace(this_machine(), cores=99))
    # Two machines seldom train the same weights, so each has the form under its own name.
    assert ledger.table()["variant"].tolist() == ["float32", "float32"]


def test_an_empty_ledger_gives_an_empty_table(path):
    assert Ledger(path).table().empty


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size_bytes": -1}, "size_bytes"),
        ({"latency_p50_ms": float("nan")}, "latency_p50_ms"),
        ({"load_ms": -1.0}, "load_ms"),
        ({"ready_ms": float("inf")}, "ready_ms"),
        ({"threads": 0}, "threads"),
        ({"flash_bytes": -1}, "flash_bytes"),
        ({"ram_bytes": -1}, "ram_bytes"),
        ({"instructions_per_image": float("inf")}, "instructions_per_image"),
        ({"correct": 11, "examples": 10}, "correct"),
        ({"correct": 1}, "both or neither"),
        ({"kind": "guessed"}, "kind"),
        ({"throughput_per_s": {0: 1.0}}, "batch size"),
        ({"throughput_per_s": {1: -1.0}}, "throughput"),
    ],
)
def test_an_impossible_measurement_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        Measurement("a", "b", "c", "d", "e", **change)


@pytest.mark.parametrize(
    "change",
    [
        {"size_bytes": 0, "compressed_bytes": 0, "peak_memory_bytes": 0},
        {"correct": 0, "examples": 1},
        {"correct": 1, "examples": 1},
        {"latency_p50_ms": 0, "latency_p99_ms": 0, "load_ms": 0, "ready_ms": 0},
        {"threads": 1},
        {"flash_bytes": 0, "ram_bytes": 0, "instructions_per_image": 0},
        {"throughput_per_s": {1: 0.0}},
    ],
)
def test_limit_values_are_accepted(change):
    measurement = Measurement("a", "b", "c", "d", "e", **change)
    assert {name: getattr(measurement, name) for name in change} == change


@pytest.mark.parametrize("name", ["variant", "runtime", "dataset", "note", "made_by"])
def test_a_name_that_is_not_text_is_refused(name):
    values = dict.fromkeys(("variant", "runtime", "runtime_version", "dataset"), "a")
    with pytest.raises(TypeError, match=f"{name}: expected text"):
        Measurement(**values | {"dataset_fingerprint": "f"} | {name: b"x"})


def test_a_measurement_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        FULL.variant = "other"


def test_changing_the_dictionary_does_not_change_the_measurement():
    rates = {1: 10.0}
    measurement = Measurement("a", "b", "c", "d", "e", throughput_per_s=rates)
    rates[1] = 99.0
    assert measurement.throughput_per_s == {1: 10.0}


def test_add_all_writes_all_rows_or_none(path):
    ledger = Ledger(path)
    broken = Measurement("a", "b", "c", "d", "e")
    object.__setattr__(broken, "kind", "guessed")  # past the check, to meet the schema's
    with pytest.raises(sqlite3.IntegrityError):
        ledger.add_all([FULL, broken])
    assert ledger.entries() == []
