"""What a class is: names, limits, and how servers start on a machine."""

from pathlib import Path

import pytest

from deployworkbook.costs import load_catalog
from deployworkbook.teaching.hub import obstacles
from deployworkbook.teaching.hub import settings as hub_settings
from deployworkbook.teaching.hub.names import login_name, read_names
from deployworkbook.teaching.hub.settings import (
    HubSettings,
    size_in_bytes,
    spawner_for,
)
from deployworkbook.teaching.hub.sums import sums_of


def a_class(seats=5, **changes):
    given = {
        "names": (),
        "seats": seats,
        "memory_bytes": int(1.3 * 2**30),
        "cpus": 1.0,
        "spawner": "local",
        "asks_class_password": True,
    }
    return HubSettings(**{**given, **changes})


def test_names_are_read_as_people_write_them(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("\ufeffAda Lovelace\n\n# the guests\n  Zoë O'Neill \nlinus@example.org\n")
    assert read_names(path) == {
        "ada-lovelace": "Ada Lovelace",
        "zoe-o-neill": "Zoë O'Neill",
        "linus": "linus@example.org",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "received: no names"),
        ("李伟\n", "such as wei-li"),
        ("123\n", "begins with a letter"),
        ("Ada\nada\n", "which are both ada"),
        ("a" * 25, "at most 24"),
        ("Load 1\n", "reserved for rehearsals"),
    ],
)
def test_names_that_nobody_could_log_in_with_are_refused(text, reason, tmp_path):
    path = tmp_path / "names.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match="names") as refused:
        read_names(path)
    assert reason.lower() in str(refused.value).lower()


def test_all_wrong_lines_are_named_at_once_with_their_numbers(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("Ada\n# guests\n123\nada\nload-7\nGrace\n")
    with pytest.raises(ValueError, match="line 3") as refused:
        read_names(path)
    lines = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        f"{path}, line {number}" for number in (3, 4, 5)
    ]


def test_a_name_without_latin_letters_is_left_for_the_error():
    assert login_name("李伟") == "李伟"


@pytest.mark.parametrize(
    ("text", "size"), [("1.3G", 1_395_864_371), ("512m", 2**29), ("2 GiB", 2**31), ("1T", 2**40)]
)
def test_sizes_are_those_of_jupyterhub(text, size):
    assert size_in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "1.3", "G", "-1G", "1e3G", "1.3X"])
def test_other_sizes_are_refused(text):
    with pytest.raises(ValueError, match="--memory"):
        size_in_bytes(text)


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"seats": 0}, "--learners"),
        ({"cpus": 0.0}, "--cpu"),
        ({"memory_bytes": 10**8}, "--memory"),
        ({"hours": 0.0}, "--hours"),
        ({"port": 65_500}, "--port"),
        ({"names": ("ada", "grace"), "seats": 1}, "--learners"),
        ({"names": ("ada", "grace"), "teachers": ("ada",)}, "--teacher"),
    ],
)
def test_a_class_that_can_not_be_is_refused(changes, option):
    with pytest.raises(ValueError, match=option):
        a_class(**changes)


@pytest.mark.parametrize(
    ("systemd", "root", "docker", "expected"),
    [
        (True, True, True, "systemd"),
        (True, False, True, "docker"),
        (False, True, True, "docker"),
        (True, False, False, "local"),
    ],
)
def test_the_strictest_spawner_that_works_is_taken(systemd, root, docker, expected, monkeypatch):
    monkeypatch.setattr(hub_settings, "has_systemd", lambda: systemd)
    monkeypatch.setattr(hub_settings, "is_root", lambda: root)
    monkeypatch.setattr(hub_settings, "has_docker", lambda: docker)
    assert spawner_for("auto") == expected
    assert spawner_for("local") == "local"
    with pytest.raises(ValueError, match="--spawner"):
        spawner_for("podman")


def test_what_a_machine_lacks_is_said_with_a_remedy(tmp_path, monkeypatch):
    for name in ("has_systemd", "has_docker", "is_root"):
        monkeypatch.setattr(obstacles, name, lambda: False)
    monkeypatch.setattr(obstacles.shutil, "which", lambda name: None)
    assert any("systemd doesn't run" in each for each in obstacles.blockers(tmp_path, "systemd"))
    assert any("runs as root" in each for each in obstacles.missing(tmp_path, "systemd"))
    assert any("No Docker engine" in each for each in obstacles.blockers(tmp_path, "docker"))
    assert any("isn't installed" in each for each in obstacles.missing(tmp_path, "local"))
    (tmp_path / "proxy/node_modules/.bin").mkdir(parents=True)
    (tmp_path / "proxy/node_modules/.bin/configurable-http-proxy").touch()
    monkeypatch.setattr(obstacles.importlib.util, "find_spec", lambda name: object())
    assert obstacles.missing(tmp_path, "local") == obstacles.blockers(tmp_path, "local") == []


def test_a_folder_that_learners_can_not_pass_through_is_named(tmp_path, monkeypatch):
    inner = tmp_path / "closed" / "python"
    inner.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    # The folders of this test's run are closed, too.
    assert obstacles.closed_folder(inner) in {*inner.parents}
    assert obstacles.closed_folder(Path("/usr/bin/env")) is None


def test_sums_are_right_by_hand():
    # 5 · 1.3 + 0.2 + 0.5 GiB; 5 · 0.4 cores; 8 + 5 + 5 · 1 GiB of disk.
    found = sums_of(a_class(), load_catalog())
    assert found.memory_gib == pytest.approx(7.2, abs=1e-6)
    assert (found.cores, found.disk_gib) == (2, 18)
    # Of x86 machines with 7.2 GiB and two cores, m7i.large costs the least: 0.1008 USD an hour.
    assert (found.machine.name, found.machines) == ("m7i.large", 1)
    assert found.compute_usd == pytest.approx(8 * 0.1008)
    # gp3 at 0.08 USD per GiB and month of 730 hours.
    assert found.disk_usd == pytest.approx(18 * 0.08 * 8 / 730, rel=1e-2)


def test_a_teacher_needs_a_server_beside_the_learners():
    alone, taught = (sums_of(a_class(teachers=each), load_catalog()) for each in ((), ("tina",)))
    assert taught.memory_gib - alone.memory_gib == pytest.approx(1.3)
    assert taught.learners == 5


def test_a_class_too_large_for_one_machine_gets_several_that_hold_whole_learners():
    settings, catalog = a_class(120), load_catalog()
    found = sums_of(settings, catalog)
    assert found.machines > 1
    per_node = int((found.machine.memory_gib - 0.7) / settings.memory_gib)
    assert found.machines * per_node >= 120
    assert found.machines * found.machine.vcpus >= found.cores


def test_more_learners_on_one_machine_never_cost_less():
    sums = [sums_of(a_class(count), load_catalog()) for count in range(1, 46, 4)]
    assert {each.machines for each in sums} == {1}
    prices = [each.total_usd for each in sums]
    assert prices == sorted(prices)
