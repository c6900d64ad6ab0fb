"""The project's files agree with each other."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from deployworkbook import __version__
from deployworkbook.jupyter.lessons import catalogue

REPOSITORY = Path(__file__).parent.parent
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
README = (REPOSITORY / "README.md").read_text()
TOP_LEVEL = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "constraints.txt",
    "deployworkbook",
    "environment.yml",
    "notebooks",
    "pyproject.toml",
    "tests",
}


def constraints():
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def requirements():
    extra = PROJECT["optional-dependencies"]["test"]
    return [Requirement(line) for line in [*PROJECT["dependencies"], *extra]]


def test_the_tested_versions_are_in_the_ranges():
    pinned = {canonicalize_name(each.name): each.specifier for each in constraints()}
    assert len(pinned) == len(constraints())
    for requirement in requirements():
        (pin,) = pinned[canonicalize_name(requirement.name)]
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version), requirement


def test_the_tested_set_installs_on_the_oldest_python():
    oldest = "3.11.0"
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(oldest)
    for constraint in constraints():
        try:
            needs = metadata(constraint.name).get("Requires-Python") or ""
        except PackageNotFoundError:
            continue  # for another system, or an extra
        assert SpecifierSet(needs).contains(oldest), f"{constraint.name} needs Python {needs}"


def test_constraints_hold_names_and_versions_only():
    for constraint in constraints():
        assert constraint.url is None
        assert [pin.operator for pin in constraint.specifier] == ["=="]


def test_the_environment_of_conda_is_the_set_of_pip():
    environment = yaml.safe_load((REPOSITORY / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert pip == "pip"
    assert packages == {"pip": ["--constraint constraints.txt", "."]}
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(
        python.removeprefix("python=")
    )


def test_the_readme_has_both_commands():
    assert "\npip install -c constraints.txt . && deployworkbook lab\n" in README
    assert '\npip install -c constraints.txt ".[test]" && pytest -n 4 ' in README


def test_the_readme_lists_the_lessons():
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (\d+) \|$", README, re.MULTILINE)
    assert rows == [(each.name, each.question, str(each.minutes)) for each in catalogue()]


def test_links_of_the_texts_lead_somewhere():
    for text in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", (REPOSITORY / text).read_text()):
            assert (REPOSITORY / target).exists(), f"{text} links to {target}"


def test_the_top_level_holds_what_it_should():
    found = {path.name for path in REPOSITORY.iterdir() if not path.name.startswith(".")}
    generated = {"test-output", "build", "dist", "deployworkbook-run"}
    generated |= {name for name in found if name.endswith(".egg-info")}
    assert found - generated == TOP_LEVEL


def test_the_changelog_knows_this_version():
    assert f"## {__version__}" in (REPOSITORY / "CHANGELOG.md").read_text()
