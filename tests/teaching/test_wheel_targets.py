"""Which packages, in which versions, a kind of machine needs."""

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from deployworkbook.teaching.wheelhouse import requirements
from deployworkbook.teaching.wheelhouse.closure import Closure
from deployworkbook.teaching.wheelhouse.requirements import Wheel, exact_versions, least_python
from deployworkbook.teaching.wheelhouse.targets import Target, this_platform, this_python

LINUX = Target("manylinux_2_28_x86_64", "3.11")
WINDOWS = Target("win_amd64", "3.12")
MAC = Target("macosx_14_0_arm64", "3.13")


@pytest.mark.parametrize(
    ("target", "wheel"),
    [
        (LINUX, "a-1-py3-none-any.whl"),
        (LINUX, "a-1-cp36-abi3-manylinux_2_12_x86_64.manylinux2010_x86_64.whl"),
        (LINUX, "a-1-cp311-cp311-manylinux2014_x86_64.whl"),
        (WINDOWS, "a-1-cp312-cp312-win_amd64.whl"),
        (MAC, "a-1-cp313-cp313-macosx_11_0_arm64.whl"),
        (MAC, "a-1-cp39-abi3-macosx_10_12_universal2.whl"),
        (Target("manylinux_2_28_aarch64", "3.11"), "a-1-cp311-cp311-manylinux_2_17_aarch64.whl"),
    ],
)
def test_wheels_that_run_there_are_taken(target, wheel):
    assert target.takes(wheel)


@pytest.mark.parametrize(
    ("target", "wheel"),
    [
        (LINUX, "a-1-cp312-cp312-manylinux_2_28_x86_64.whl"),
        (LINUX, "a-1-cp311-cp311-manylinux_2_34_x86_64.whl"),
        (LINUX, "a-1-cp311-cp311-musllinux_1_2_x86_64.whl"),
        (LINUX, "a-1-py3-none-win_amd64.whl"),
        (WINDOWS, "a-1-cp312-cp312-win32.whl"),
        (MAC, "a-1-cp313-cp313-macosx_15_0_arm64.whl"),
        (MAC, "a-1-cp313-cp313-macosx_11_0_x86_64.whl"),
    ],
)
def test_wheels_that_need_something_else_are_not(target, wheel):
    assert not target.takes(wheel)


@pytest.mark.parametrize(
    ("target", "system", "processor", "glibc"),
    [
        (LINUX, "Linux", "x86_64", (2, 28)),
        (WINDOWS, "Windows", "AMD64", (0, 0)),
        (MAC, "Darwin", "arm64", (0, 0)),
        (Target("macosx_13_0_x86_64", "3.11"), "Darwin", "x86_64", (0, 0)),
    ],
)
def test_a_target_is_named_as_python_names_it_there(target, system, processor, glibc):
    assert (target.system, target.processor, target.glibc) == (system, processor, glibc)
    assert target.environment["platform_machine"] == processor


def test_this_machine_is_a_target():
    assert Target(this_platform(), this_python()).takes("a-1-py3-none-any.whl")


@pytest.mark.parametrize(
    ("platform", "python", "words"),
    [
        ("linux", "3.11", "such as manylinux_2_28_x86_64"),
        ("manylinux_2_28_x86_64; rm", "3.11", "such as"),
        ("win_amd64", "3.9", ">=3.11"),
        ("win_amd64", "eleven", ">=3.11"),
    ],
)
def test_an_impossible_target_is_an_error(platform, python, words):
    with pytest.raises(ValueError, match=words):
        Target(platform, python)


def test_versions_are_the_tested_ones_and_those_of_the_target_where_they_differ(
    tmp_path, monkeypatch
):
    file = tmp_path / "constraints.txt"
    lines = ["# tested", "numpy==2.4.6", "setuptools==80.9.0; python_version >= '3.12'"]
    lines += ["Uv_Loop==1; sys_platform != 'win32'", "uv-loop==2; sys_platform == 'win32'"]
    file.write_text("\n".join([*lines, ""]))
    monkeypatch.setattr(requirements, "constraints_file", lambda: file)
    linux, windows = exact_versions(LINUX), exact_versions(WINDOWS)
    assert str(linux["numpy"]) == str(windows["numpy"]) == "2.4.6"
    assert (str(linux["uv-loop"]), str(windows["uv-loop"])) == ("1", "2")
    assert str(linux["setuptools"]) == "80.9.0"


def test_the_packages_own_list_of_versions_is_found():
    assert len(exact_versions(LINUX)) > 150


# A small index: what each package needs, by name and version.
NEEDS = {
    "app": ["lib[fast]>=1", "shell; sys_platform == 'win32'", "tool; extra == 'test'"],
    "lib": ["base", "Turbo_C; extra == 'fast'", "never; extra == 'slow'"],
    "base": ["lib", "old; python_version < '3.12'"],  # a circle
    **{name: [] for name in ("shell", "tool", "turbo-c", "old")},
}


def wheel(name, version="1.0"):
    requires = tuple(map(Requirement, NEEDS[name]))
    return Wheel(None, canonicalize_name(name), Version(version), requires)


def closure(target, *extras, pins=None):
    rounds = []

    def fetch(wanted):
        rounds.append([str(each) for each in wanted])
        return [wheel(each.name) for each in wanted]

    found = Closure(target, pins or {}, fetch)
    found.add(wheel("app"), extras)
    return found, rounds


def test_markers_are_judged_by_the_target():
    linux, _ = closure(LINUX)
    windows, _ = closure(WINDOWS)
    assert set(linux.wheels) == {"app", "lib", "base", "turbo-c", "old"}
    assert set(windows.wheels) == {"app", "lib", "base", "turbo-c", "shell"}


def test_extras_are_followed_and_only_those_asked_for():
    assert "tool" not in closure(MAC)[0].wheels
    assert "tool" in closure(MAC, "test")[0].wheels


def test_packages_are_got_in_their_exact_versions_and_each_once():
    found, rounds = closure(MAC, pins={"lib": Version("1.0"), "base": Version("1.0")})
    assert rounds[0] == ["lib==1.0"]
    assert sorted(rounds[1]) == ["base==1.0", "turbo-c"]
    assert sum(map(len, rounds)) == len(found.wheels) - 1
    assert found.unpinned == {"turbo-c"}


def test_versions_that_do_not_fit_are_an_error(monkeypatch):
    monkeypatch.setitem(NEEDS, "base", ["lib>=2"])
    with pytest.raises(ValueError, match=r"lib 1\.0 is not"):
        closure(MAC)


def made_for(*versions):
    return [Wheel(None, f"p{n}", Version("1"), (), SpecifierSet(v)) for n, v in enumerate(versions)]


def test_the_least_release_of_python_is_that_which_all_wheels_run_with():
    """Some packages don't run with the first bugfix releases, such as Debian's 3.11.2."""
    assert least_python(made_for("", ">=3.9", ">=3.11.5,<3.14"), LINUX) == "3.11.5"
    assert least_python(made_for(">=3.11"), LINUX) == "3.11.0"
    with pytest.raises(ValueError, match=r"p1 needs <3\.11"):
        least_python(made_for(">=3.9", "<3.11"), LINUX)
