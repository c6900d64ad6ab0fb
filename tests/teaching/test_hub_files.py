"""The folder that ``teach hub`` writes: what is in it, and that its readers take it."""

import configparser
import csv
import json
import stat
import types
from importlib.resources import files as resources

import jsonschema
import pytest
import yaml
from dockerfile_parse import DockerfileParser
from traitlets.config import Config, Configurable

from deployworkbook.cli import main
from deployworkbook.teaching.hub.accounts import Accounts, matches
from deployworkbook.teaching.hub.settings import SPAWNERS
from deployworkbook.teaching.hub.texts import enforced


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in arguments])
    return ended.value.code


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DEPLOYWORKBOOK_HOME", str(tmp_path / "home"))
    return tmp_path


def write(home, *options):
    assert not run("teach", "hub", home / "class", *options)
    return home / "class"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder for each way of starting servers."""
    base = tmp_path_factory.mktemp("hubs")
    for spawner in SPAWNERS:
        assert not run(
            *("teach", "hub", base / spawner, "--spawner", spawner, "--learners", 5),
            *("--shared-models", base / "models", "--dir", base / "home"),
        )
    return base


def loaded(path, monkeypatch):
    """Execute a configuration as JupyterHub does; return it."""
    source = path.read_text().replace('Path("/srv/hub")', f"Path({str(path.parent)!r})")
    monkeypatch.setenv("DEPLOYWORKBOOK_IMAGE", "image")
    monkeypatch.setenv("DEPLOYWORKBOOK_NETWORK", "network")
    monkeypatch.setenv("DEPLOYWORKBOOK_SHARED_MODELS_ON_HOST", "/models")
    config = Config()
    exec(compile(source, str(path), "exec"), {"get_config": lambda: config})  # noqa: S102
    return config


@pytest.mark.parametrize("spawner", SPAWNERS)
def test_the_configuration_has_no_setting_that_the_hub_does_not_know(spawner, folders, monkeypatch):
    pytest.importorskip("jupyterhub")
    from jupyterhub.app import JupyterHub
    from jupyterhub.auth import Authenticator
    from jupyterhub.proxy import ConfigurableHTTPProxy
    from jupyterhub.spawner import Spawner

    from deployworkbook.teaching.hub.authenticator import ClassAuthenticator
    from deployworkbook.teaching.hub.spawner import SeatSpawner

    known = {
        each.__name__: each
        for each in (
            *(JupyterHub, Authenticator, ConfigurableHTTPProxy, Spawner),
            *(ClassAuthenticator, SeatSpawner),
        )
    }
    for module, name in (("dockerspawner", "DockerSpawner"), ("systemdspawner", "SystemdSpawner")):
        try:
            known[name] = getattr(__import__(module), name)
        except ImportError:
            known[name] = None  # an extra, which isn't installed here
    config = loaded(folders / spawner / "jupyterhub_config.py", monkeypatch)
    for section, settings in config.items():
        if known[section] is not None:
            assert issubclass(known[section], Configurable)
            assert set(settings) <= set(known[section].class_traits(config=True)), section


def test_limits_and_separate_folders_are_configured(folders, monkeypatch):
    config = loaded(folders / "local" / "jupyterhub_config.py", monkeypatch)
    assert config.Spawner.mem_limit == int(1.3 * 2**30)
    assert config.Spawner.cpu_limit == 1.0
    assert config.JupyterHub.active_server_limit == 5
    home = config.Spawner.environment["DEPLOYWORKBOOK_HOME"]
    ada = types.SimpleNamespace(user=types.SimpleNamespace(name="ada"))
    assert home(ada) == str(folders / "local" / "seats" / "ada" / "lessons")
    assert config.Spawner.environment["DEPLOYWORKBOOK_SHARED_MODELS"] == str(folders / "models")
    assert config.JupyterHub.bind_url == "http://127.0.0.1:8000"


def test_containers_get_the_limits_and_read_only_models(folders, monkeypatch):
    config = loaded(folders / "docker" / "docker" / "jupyterhub_config.py", monkeypatch)
    assert config.DockerSpawner.extra_host_config["memswap_limit"] == config.Spawner.mem_limit
    assert config.DockerSpawner.read_only_volumes == {"/models": "/srv/models"}
    assert config.Spawner.environment["DEPLOYWORKBOOK_SHARED_MODELS"] == "/srv/models"


def test_compose_is_of_its_schema_and_reachable_from_this_machine_only(folders):
    schema = resources("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    given = yaml.safe_load((folders / "local" / "docker" / "compose.yaml").read_text())
    jsonschema.validate(given, json.loads(schema.read_text()))
    assert given["services"]["hub"]["ports"] == ["127.0.0.1:8000:8000"]


def test_the_image_runs_as_a_learner(folders):
    parsed = DockerfileParser(str(folders / "local" / "docker"))
    assert [each["value"] for each in parsed.structure if each["instruction"] == "USER"] == [
        "learner"
    ]
    constraints = (folders / "local" / "docker" / "constraints.txt").read_text().splitlines()
    assert all("==" in line for line in constraints)
    assert any(line.startswith("tensorflow==") for line in constraints)
    assert not any(line.startswith("deployworkbook") for line in constraints)


def test_the_unit_starts_this_configuration(folders):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(folders / "local" / "deployworkbook-hub.service")
    config = folders / "local" / "jupyterhub_config.py"
    assert unit["Service"]["ExecStart"].endswith(f" -m jupyterhub --config={config}")
    assert set(unit.sections()) == {"Unit", "Service", "Install"}


def test_kubernetes_gets_the_limits_and_a_login_that_works_without_this_package(folders, tmp_path):
    pytest.importorskip("jupyterhub")
    values = yaml.safe_load((folders / "local" / "kubernetes" / "values.yaml").read_text())
    memory = values["singleuser"]["memory"]
    assert memory["limit"] == memory["guarantee"] == str(int(1.3 * 2**30))
    (volume,) = values["singleuser"]["storage"]["extraVolumes"]
    assert volume["persistentVolumeClaim"]["readOnly"]
    extra = values["hub"]["extraConfig"]
    assert "deployworkbook.teaching" not in "".join(extra.values())
    namespace = {"__name__": "jupyterhub_config", "c": Config()}
    exec(extra["class-accounts"], namespace)  # noqa: S102 (as the chart does)
    door = namespace["ClassAuthenticator"](accounts_file=str(tmp_path / "accounts.json"))
    assert door.accounts_file.endswith("accounts.json")
    compile(extra["class-login"], "class-login", "exec")


@pytest.mark.parametrize("spawner", SPAWNERS)
def test_the_readme_says_what_is_enforced_and_what_it_costs(spawner, folders):
    text = (folders / spawner / "README.md").read_text()
    for sentence in enforced(spawner):
        assert sentence in text
    assert "| 5 | 7.2 | 2 | 18 | 1 × m7i.large | 0.82 |" in text
    assert "recalled" in text or "seen" in text  # the prices' source


def test_each_of_a_list_gets_a_password_once(home):
    names = home / "names.txt"
    names.write_text("Ada\nGrace\n")
    folder = write(home, "--names", str(names))
    secrets = folder / "secrets"
    with (secrets / "passwords.csv").open(newline="") as file:
        first = {row["name"]: row["password"] for row in csv.DictReader(file)}
    assert stat.S_IMODE((secrets / "passwords.csv").stat().st_mode) == 0o600
    accounts = Accounts.read(secrets / "accounts.json")
    assert not accounts.is_open
    assert all(matches(first[name], accounts.learners[name]) for name in ("ada", "grace"))
    # Handed out and deleted; somebody comes, somebody goes.
    (secrets / "passwords.csv").unlink()
    names.write_text("Grace\nLinus\n")
    write(home, "--names", str(names))
    later = Accounts.read(secrets / "accounts.json")
    assert later.learners["grace"] == accounts.learners["grace"]
    assert set(later.learners) == {"grace", "linus"}
    assert "grace" not in (secrets / "passwords.csv").read_text()


def test_without_names_a_class_password_is_made_up_and_kept(home, capsys):
    folder = write(home, "--learners", "3")
    path = folder / "secrets" / "class-password.txt"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().strip() not in capsys.readouterr().out
    before = path.read_text()
    accounts = Accounts.read(folder / "secrets" / "accounts.json")
    assert accounts.is_open
    assert matches(before.strip(), accounts.class_password)
    write(home, "--learners", "3")
    assert path.read_text() == before


def test_claimed_names_survive_another_run(home):
    path = write(home) / "secrets" / "accounts.json"
    accounts = Accounts.read(path)
    accounts.learners["ada"] = "scrypt$a$b"
    accounts.write(path)
    write(home, "--learners", "20")
    assert Accounts.read(path) == Accounts(
        20, accounts.class_password, is_open=True, learners={"ada": "scrypt$a$b"}
    )


def test_a_class_password_comes_from_a_file_and_is_long_enough(home, capsys):
    given = home / "password.txt"
    given.write_text("our class of nine\n")
    folder = write(home, "--class-password", str(given))
    accounts = Accounts.read(folder / "secrets" / "accounts.json")
    assert matches("our class of nine", accounts.class_password)
    assert not (folder / "secrets" / "class-password.txt").exists()
    given.write_text("short\n")
    assert run("teach", "hub", folder, "--class-password", given) == 1
    assert "at least 8" in capsys.readouterr().err


def test_edited_files_are_backed_up(home):
    config = write(home) / "jupyterhub_config.py"
    config.write_text("# mine\n")
    write(home)
    (backup,) = (home / "home" / "backups").iterdir()
    assert backup.read_text() == "# mine\n"
    assert "SeatSpawner" in config.read_text() or "Spawner" in config.read_text()
