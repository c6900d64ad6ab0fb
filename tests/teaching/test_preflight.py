"""The doctor's reports of a class, good and bad, as one table."""

import csv
import io
import json
import os

import pytest

from deployworkbook.cli import main
from deployworkbook.jupyter.check_result import Check
from deployworkbook.jupyter.doctor import NAMES
from deployworkbook.teaching.preflight import differences_of, needs_of, seats_as_csv, summary_of
from deployworkbook.teaching.seats import MOST_BYTES, Seat, plain, read_seat, read_seats

FREE_SPACE = "Free some space."


def report(**found):
    """A report in which all is fine, except for what is named: a status, or all fields."""
    checks = []
    for name in NAMES:
        about = {"name": name, "status": "ok", "found": "fine", "remedy": ""}
        checks.append(about | found.get(name, {}))
    return checks


LITTLE = {"disk": {"status": "warning", "found": "0.1 GB free", "remedy": FREE_SPACE}}
BROKEN = {"Keras": {"status": "problem", "found": "ImportError", "remedy": "Install it."}}


@pytest.fixture
def folder(tmp_path):
    """Three seats with reports: one ready, two that need something."""
    for name, found in {"ada": {}, "bob": LITTLE, "cem": LITTLE | BROKEN}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(report(**found)))
    return tmp_path


def call(capsys, *arguments, code=0):
    with pytest.raises(SystemExit) as ended:
        main(["teach", "preflight", *map(str, arguments)])
    assert (ended.value.code or 0) == code
    said = capsys.readouterr()
    return said.out + said.err


def test_each_seat_has_a_state_and_its_wants(folder):
    seats = read_seats(folder)
    assert [(seat.name, seat.state) for seat in seats] == [
        ("ada", "ready"),
        ("bob", "warning"),
        ("cem", "problem"),
    ]
    assert [check.name for check in seats[2].wants] == ["disk", "Keras"]


def test_seats_with_the_same_need_are_told_together_and_problems_come_first(folder):
    first, second = needs_of(read_seats(folder))
    assert (first.check, first.seats) == ("Keras", ["cem"])
    assert (second.remedy, second.seats) == (FREE_SPACE, ["bob", "cem"])
    assert second.found["bob"] == "0.1 GB free"


def test_the_table_shows_only_checks_that_found_something(folder, capsys):
    shown = call(capsys, folder, code=1)
    head, *_ = shown.splitlines()
    assert head.split() == ["seat", "state", "disk", "Keras"]
    assert "Ready: 1 of 3. Lessons run with limits: 1. Some lessons fail: 1." in shown
    assert FREE_SPACE in shown


def test_all_ready_is_said_and_exits_with_0(folder, capsys):
    for name in ("bob", "cem"):
        (folder / f"{name}.json").write_text(json.dumps(report()))
    assert "All 3 seats are ready." in call(capsys, folder)
    assert summary_of(read_seats(folder)[:1]) == "The seat is ready."


def test_warnings_alone_can_be_allowed(folder, capsys):
    call(capsys, folder, "--allow-warnings", code=1)
    (folder / "cem.json").unlink()
    call(capsys, folder, code=1)
    call(capsys, folder, "--allow-warnings")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"  \n",
        b"no json",
        b"\xff\xfe\xff",
        b"null",
        b"[]",
        b"{}",
        b"[1, 2]",
        b'[{"name": "disk"}]',
        b'[{"name": "disk", "status": "sick", "found": ""}]',
        b'[{"name": ["disk"], "status": "ok", "found": ""}]',
        b'{"checks": {"disk": "ok"}}',
        b"[" * 100_000,
        b'{"checks": [' + b'{"name": "disk", "status": "ok", "found": ""},' * 5_000,
        json.dumps([*report()] * 10).encode(),
        b"1" * 6_000,
        b" " * (MOST_BYTES + 1),
    ],
    ids=range(17),
)
def test_a_bad_report_is_its_seats_trouble_and_stops_no_other(folder, content):
    (folder / "dan.json").write_bytes(content)
    seats = {seat.name: seat for seat in read_seats(folder)}
    assert seats["dan"].state == "unread"
    assert seats["dan"].trouble.endswith(".")
    assert str(folder) not in seats["dan"].trouble
    assert seats["ada"].state == "ready"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "dan.json is no report of the doctor's: it is empty. Run"),
        ("{}", "it has no list of checks"),
        ("[]", "its list of checks is empty"),
        ("[1]", "check 1 lacks a name"),
        (json.dumps(report(disk={"status": "sick"})), "the status of disk is 'sick', but"),
        ("deployworkbook: not found", "dan.json is no report"),
    ],
)
def test_a_bad_report_says_which_file_it_is_and_what_is_wrong(tmp_path, content, said):
    (tmp_path / "dan.json").write_text(content)
    assert said in read_seat(tmp_path / "dan.json").trouble


def test_a_report_cut_off_anywhere_is_told(tmp_path):
    whole = json.dumps(report(disk={"found": 'für 3 "GB"'}), indent=1)
    for letters in range(1, len(whole), 7):
        (tmp_path / "bob.json").write_text(whole[:letters])
        said = read_seat(tmp_path / "bob.json").trouble
        assert said == "bob.json is cut off: run the doctor there again."


def test_seats_without_mnist_are_ready_with_digits(folder, capsys):
    missing = {"status": "warning", "found": "MNIST is not on this machine", "remedy": "Copy it."}
    (folder / "bob.json").write_text(json.dumps(report(data=missing)))
    (folder / "cem.json").unlink()
    shown = call(capsys, folder)
    assert "All 2 seats are ready. Ready, with scikit-learn's digits" in shown
    assert "downloaded: bob." in " ".join(shown.split())
    (folder / "bob.json").write_text(json.dumps(report(data=missing | {"status": "problem"})))
    call(capsys, folder, "--allow-warnings", code=1)


def test_a_report_of_an_older_version_is_shown_and_told(folder, capsys):
    old = [check for check in report(**LITTLE) if check["name"] != "deployworkbook"]
    (folder / "eve.json").write_text(json.dumps(old))
    seat = read_seat(folder / "eve.json")
    assert seat.state == "unread"
    assert "lacks: deployworkbook" in seat.trouble
    assert [check.name for check in seat.wants] == ["disk"]
    assert "eve: The report comes from another version" in call(capsys, folder, code=1)


def test_what_windows_powershell_writes_is_read(folder):
    for name, encoding in {"fay": "utf-16", "gil": "utf-8-sig"}.items():
        (folder / f"{name}.json").write_text(json.dumps(report()), encoding=encoding)
        assert read_seat(folder / f"{name}.json").state == "ready"


def test_a_report_may_name_its_seat_and_two_of_one_name_are_told_apart(folder):
    for name in ("one", "two"):
        content = {"seat": "Hana", "checks": report()}
        (folder / f"{name}.json").write_text(json.dumps(content))
    names = [seat.name for seat in read_seats(folder)]
    assert names == ["ada", "bob", "cem", "Hana (one.json)", "Hana (two.json)"]


def test_what_is_no_file_is_not_opened(folder):
    (folder / "ida.json").mkdir()
    (folder / "jan.json").symlink_to(folder / "nowhere")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "kim.json")  # reading it would wait for ever
    states = {seat.name: seat.state for seat in read_seats(folder)}
    assert {states[name] for name in states if name[0] in "ijk"} == {"unread"}


def test_texts_of_others_control_neither_terminal_nor_table(folder, capsys):
    sly = {"status": "problem", "found": "\x1b[2J[red]x[/red]\nada: fine", "remedy": "[bold]"}
    (folder / "lea.json").write_text(json.dumps(report(disk=sly)))
    shown = call(capsys, folder, code=1)
    assert "\x1b" not in shown
    assert "lea: [2J[red]x[/red] ada: fine" in shown
    assert len(plain("x" * 10_000)) == 500


def test_a_spreadsheet_takes_no_text_for_a_formula(folder):
    (folder / "=cmd().json").write_text(json.dumps(report(disk=LITTLE["disk"])))
    rows = list(csv.reader(io.StringIO(seats_as_csv(read_seats(folder)))))
    assert rows[0][:3] == ["seat", "state", "deployworkbook"]
    assert {len(row) for row in rows} == {len(NAMES) + 3}
    assert "'=cmd()" in {row[0] for row in rows}
    assert rows[1][rows[0].index("disk")] == "warning"


def test_versions_that_differ_are_named(folder):
    version = {"found": "3.12.1 at /usr/bin/python3"}
    (folder / "mia.json").write_text(json.dumps(report(Python=version)))
    (said,) = differences_of(read_seats(folder))
    assert "mia has 3.12.1" in said


def test_json_has_seats_and_needs(folder, capsys):
    found = json.loads(call(capsys, folder, "--json", code=1))
    assert found["ready"] is False
    assert [each["state"] for each in found["seats"]] == ["ready", "warning", "problem"]
    assert found["seats"][1]["status"]["disk"] == "warning"
    assert found["needs"][0]["check"] == "Keras"


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_a_folder_without_reports_is_an_error_that_says_how_they_are_made(tmp_path, name, capsys):
    said = call(capsys, tmp_path / name, code=1)
    assert "deployworkbook doctor --json" in " ".join(said.split())


def test_no_version_is_the_commonest_of_two():
    seats = [Seat("ada", (Check("Python", "ok", "3.11.7 at /usr"),))]
    seats.append(Seat("bob", (Check("Python", "ok", "3.12.4 at /usr"),)))
    said = "Not all seats have the same version of Python: ada has 3.11.7, bob has 3.12.4."
    assert differences_of(seats) == [said]
