"""What ``teach hub`` gives a teacher: control, commands that work, and warnings first."""

import configparser
import csv
import re
import shlex
import stat

import pytest
import yaml
from traitlets.config import Config

from deployworkbook.cli import main
from deployworkbook.teaching.hub import writing
from deployworkbook.teaching.hub.accounts import Accounts, matches
from deployworkbook.teaching.hub.settings import SPAWNERS


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine on which nothing is in the way, whoever runs the tests."""
    monkeypatch.setenv("DEPLOYWORKBOOK_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DEPLOYWORKBOOK_MNIST", raising=False)
    monkeypatch.setattr(writing, "blockers", lambda folder, spawner: [])
    return tmp_path


def hub(folder, *options):
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in ("teach", "hub", folder, "--spawner", "local", *options)])
    return ended.value.code


def passwords(path):
    with path.open(newline="") as file:
        return {row["name"]: row["password"] for row in csv.DictReader(file)}


def configuration(path):
    config = Config()
    exec(compile(path.read_text(), str(path), "exec"), {"get_config": lambda: config})  # noqa: S102
    return config


def test_a_teacher_has_control_an_account_and_a_seat_beyond_the_limit(machine):
    folder = machine / "class"
    assert not hub(folder, "--learners", 3, "--teacher", "Tina T", "--teacher", "tom")
    config = configuration(folder / "jupyterhub_config.py")
    assert config.Authenticator.admin_users == {"tina-t", "tom"}
    assert config.JupyterHub.active_server_limit == 5
    values = yaml.safe_load((folder / "kubernetes/values.yaml").read_text())
    assert values["hub"]["activeServerLimit"] == 5
    assert '["tina-t", "tom"]' in values["hub"]["extraConfig"]["class-login"]
    assert '["tina-t", "tom"]' in (folder / "docker/jupyterhub_config.py").read_text()
    path = folder / "secrets/teachers.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    accounts = Accounts.read(folder / "secrets/accounts.json")
    assert not accounts.learners
    assert matches(passwords(path)["tom"], accounts.teachers["tom"])
    before = path.read_text()
    assert not hub(folder, "--learners", 3, "--teacher", "Tina T", "--teacher", "tom")
    assert path.read_text() == before


def test_a_teacher_can_not_have_a_name_that_a_learner_has_claimed(machine, capsys):
    assert not hub(machine / "class")
    path = machine / "class/secrets/accounts.json"
    accounts = Accounts.read(path)
    accounts.learners["ada"] = "scrypt$a$b"
    accounts.write(path)
    assert hub(machine / "class", "--teacher", "ada") == 1
    assert "ada-teacher" in capsys.readouterr().err


def test_a_corrected_name_leaves_no_stale_password_and_is_told(machine, capsys):
    names, folder = machine / "names.txt", machine / "class"
    names.write_text("Ada Lovelase\ngrace\n")
    assert not hub(folder, "--names", names)
    assert "Ada Lovelase logs in as ada-lovelase." in capsys.readouterr().out
    path = folder / "secrets/passwords.csv"
    first = passwords(path)
    names.write_text("Ada Lovelace\ngrace\n")
    assert not hub(folder, "--names", names)
    told = capsys.readouterr().out
    assert "ada-lovelase has no account any more." in told
    assert set(passwords(path)) == {"ada-lovelace", "grace"}
    assert passwords(path)["grace"] == first["grace"]
    (old,) = path.parent.glob("passwords-old-*.csv")
    assert passwords(old) == first
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    assert str(old) in told


def test_what_stands_in_the_way_comes_first_and_last(machine, monkeypatch, capsys):
    monkeypatch.setattr(writing, "blockers", lambda folder, spawner: ["The door is closed."])
    assert not hub(machine / "class")
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == "This won't work yet: The door is closed."
    assert "won't work yet" in last
    _, _, third, *_ = (machine / "class/README.md").read_text().splitlines()
    assert third == "**This won't work yet:** The door is closed."


def test_the_readme_has_whole_commands(machine):
    names, folder = machine / "names.txt", machine / "class"
    names.write_text("ada\ngrace\n")
    assert not hub(folder, "--names", names, "--learners", 5)
    text = (folder / "README.md").read_text()
    again = f"deployworkbook teach hub {folder} --names {names} --learners 5 --spawner local"
    found = [line for line in text.splitlines() if line.startswith("deployworkbook teach hub")]
    assert [sorted(shlex.split(line)) for line in found] == [
        sorted(shlex.split(f"{again}{more}"))
        for more in ("", f" --shared-models {folder}/models", " --teacher NAME")
    ]
    assert f"preload --into {folder}/models" in text
    # Two have passwords, whatever the number of seats.
    assert re.search(rf"teach load 2 .* --password-file {folder}/secrets/passwords.csv\n", text)
    assert f"teach collect {folder}/submissions" in text


def test_a_class_with_a_password_of_its_own_is_rehearsed_without_a_file(machine):
    given = machine / "password.txt"
    given.write_text("our class of nine\n")
    assert not hub(machine / "class", "--class-password", given)
    text = (machine / "class/README.md").read_text()
    assert f"--class-password {given}" in text
    assert "--password-file" not in text


@pytest.mark.parametrize("spawner", SPAWNERS)
def test_unit_configuration_and_readme_agree_on_a_restart(spawner, machine):
    folder = machine / "class"
    assert not hub(folder, "--spawner", spawner, "--shared-models", machine / "models")
    text = (folder / "README.md").read_text()
    ends = "cleanup_servers = True" in (folder / "jupyterhub_config.py").read_text()
    assert ends == (spawner == "local") == ("learners' servers end: they" in text)
    assert f"{folder}/seats" in text or spawner == "docker"
    path = folder / "deployworkbook-hub.service"
    if spawner == "docker":
        # The hub is in a container, too, which Docker starts.
        assert "systemctl" not in text
        assert not path.exists()
        return
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(path)
    assert unit["Service"]["KillMode"] == "mixed"
    assert ("outlive a restart" in path.read_text()) != ends
    assert "\n# Environment=DEPLOYWORKBOOK_MNIST=" in path.read_text()
