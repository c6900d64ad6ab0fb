"""A folder of wheels: made, interrupted, damaged, and installed from without a network."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from deployworkbook.cli import main
from deployworkbook.teaching.wheelhouse import downloading, making
from deployworkbook.teaching.wheelhouse.downloading import MissingWheelsError, download
from deployworkbook.teaching.wheelhouse.making import SCRIPTS, make_wheelhouse
from deployworkbook.teaching.wheelhouse.own_wheel import repacked
from deployworkbook.teaching.wheelhouse.requirements import read_wheel
from deployworkbook.teaching.wheelhouse.store import Store
from deployworkbook.teaching.wheelhouse.targets import Target, this_platform, this_python
from deployworkbook.workspace.folder import sha256_of_file
from tests.teaching.tiny_wheels import tiny_wheel

HERE = Target(this_platform(), this_python())
# A workbook of one function, which needs two packages.
PROGRAM = "import lib\n\n\ndef main():\n    print('The doctor is content.', lib.VALUE)\n"


@pytest.fixture(scope="session")
def index(tmp_path_factory):
    """Where wheels come from."""
    folder = tmp_path_factory.mktemp("index")
    tiny_wheel(folder, "lib", requires=["base>=1"])
    tiny_wheel(folder, "base", "1.5")
    return folder


@pytest.fixture
def build():
    """Make the workbook's own wheel."""
    needs = ["lib", "base; extra == 'test'"]
    return lambda folder: tiny_wheel(folder, "deployworkbook", requires=needs, script=PROGRAM)


@pytest.fixture
def pins(monkeypatch):
    versions = {"lib": Version("1.0"), "base": Version("1.5")}
    monkeypatch.setattr(making, "exact_versions", lambda _: versions)


class Index:
    """Copies wheels from a folder, and notes which; may fail after some."""

    def __init__(self, folder):
        self.folder = folder
        self.asked = []
        self.left = 100

    def __call__(self, wanted, target, folder):
        for each in wanted:
            if not self.left:
                (folder / "half-1.0-py3-none-any.whl").write_bytes(b"PK")
                raise OSError("The network failed.")
            self.left -= 1
            self.asked.append(str(each))
            (file,) = self.folder.glob(f"{each.name}-*.whl")
            shutil.copy(file, folder)


@pytest.fixture
def make(tmp_path, index, build, pins):
    """Make a folder of wheels; returns it, and what was downloaded for it."""

    def run(folder=tmp_path / "house", *, left=100, **options):
        get = Index(index)
        get.left = left
        made = make_wheelhouse(folder, HERE, get=get, build=build, notify=[].append, **options)
        return made, get.asked

    return run


def test_it_has_wheels_hashes_and_scripts(make):
    made, asked = make()
    assert asked == ["lib==1.0", "base==1.5"]
    assert [wheel.name for wheel in made.wheels] == ["base", "deployworkbook", "lib"]
    assert made.size_bytes == sum(wheel.path.stat().st_size for wheel in made.wheels)
    listed = dict(
        reversed(line.split("  ")) for line in (made.folder / "SHA256SUMS").read_text().splitlines()
    )
    assert set(listed) == {
        *(f"wheels/{wheel.path.name}" for wheel in made.wheels),
        *("requirements.txt", *SCRIPTS),
    }
    for name, digest in listed.items():
        assert sha256_of_file(made.folder / name) == digest
    for wheel in made.wheels:
        line = f"{wheel.name}=={wheel.version} --hash=sha256:{sha256_of_file(wheel.path)}"
        assert line in (made.folder / "requirements.txt").read_text().splitlines()
    assert not list(made.folder.glob(".part*"))


def test_made_again_nothing_is_downloaded(make):
    first, _ = make()
    sums = (first.folder / "SHA256SUMS").read_text()
    again, asked = make()
    assert asked == []
    assert again.downloaded == 0
    assert (again.folder / "SHA256SUMS").read_text() == sums


def test_after_an_interruption_it_goes_on(make, monkeypatch):
    monkeypatch.setattr(making, "BATCH", 1)
    with pytest.raises(OSError, match="The network failed"):
        make(left=1)
    made, asked = make()
    assert asked == ["base==1.5"]
    assert len(made.wheels) == 3


def test_a_damaged_wheel_is_found_by_its_hash_and_downloaded_again(make):
    made, _ = make()
    (lib,) = (made.folder / "wheels").glob("lib-*.whl")
    whole = lib.read_bytes()
    lib.write_bytes(whole[:-1] + b"x")
    _, asked = make()
    assert asked == ["lib==1.0"]
    assert lib.read_bytes() == whole


def test_wheels_of_an_earlier_version_are_deleted_and_foreign_files_left_alone(make, build):
    made, _ = make()
    old = tiny_wheel(made.folder, "lib", "0.9")
    store = Store(made.folder)
    store.keep(old)
    (made.folder / "notes.txt").write_text("mine")
    make()
    assert not (made.folder / "wheels" / old.name).exists()
    assert (made.folder / "notes.txt").read_text() == "mine"


def test_a_folder_with_other_files_is_refused(make, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="has other files"):
        make(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_extra_is_one_that_the_workbook_has(make):
    with pytest.raises(ValueError, match="'test'"):
        make(extras=["tests"])


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all"])
def test_a_file_that_is_no_wheel_is_an_error(tmp_path, content):
    file = tmp_path / "lib-1.0-py3-none-any.whl"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        read_wheel(file)


def test_texts_name_no_host_and_fit_the_target(make):
    made, _ = make()
    for name in (*SCRIPTS, "requirements.txt"):
        text = (made.folder / name).read_text()
        assert not re.search(r"https?://|pypi", text, re.IGNORECASE), name
        assert "{{" not in text, name
    readme = (made.folder / "README.md").read_text()
    assert "3 wheels" in readme
    assert f"Python {HERE.python}" in readme


def check_of(folder):
    """Load the folder's check, as Python loads a program."""
    spec = importlib.util.spec_from_file_location("check", folder / "check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PYTHON", "3.99", "wheels are for Python 3.99"),
        ("LEAST_PYTHON", "3.99.2", "from 3.99.2 on"),
        ("SYSTEM", "Plan9", "wheels are for Plan9"),
        ("PROCESSOR", "z80", "on z80"),
        ("GLIBC", (9, 9), "need glibc 9.9"),
    ],
)
def test_the_check_says_what_does_not_fit(make, monkeypatch, name, value, words):
    made, _ = make()
    check = check_of(made.folder)
    assert check.trouble() == ""
    monkeypatch.setattr(check, name, value)
    if name == "GLIBC" and not check.platform.libc_ver()[1]:
        pytest.skip("this system has another C library")
    assert words in check.trouble()


def test_the_check_names_what_is_damaged_or_missing(make):
    made, _ = make()
    (lib,) = (made.folder / "wheels").glob("lib-*.whl")
    lib.write_bytes(lib.read_bytes() + b" ")
    (made.folder / "install.ps1").unlink()
    said = check_of(made.folder).trouble()
    assert f"wheels/{lib.name}" in said
    assert "install.ps1" in said


@pytest.fixture
def python(tmp_path):
    """A Python whose environments share this one's pip: to install it takes seconds."""
    (tmp_path / "pip").mkdir()
    own = Path(PathFinder.find_spec("pip").origin).parent
    (tmp_path / "pip" / "pip").symlink_to(own)
    program = tmp_path / "python"
    program.write_text(
        "#!/bin/sh\nset -e\n"
        f'if [ "$2" != venv ]; then exec {sys.executable} "$@"; fi\n'
        f'{sys.executable} -m venv --without-pip "$3"\n'
        f'echo {tmp_path / "pip"} > "$3/lib/python{HERE.python}/site-packages/pip.pth"\n'
    )
    program.chmod(0o755)
    return program


@pytest.mark.skipif(sys.platform == "win32", reason="there is no sh")
def test_it_installs_with_pip_alone(tmp_path, index, build, pins, python, monkeypatch):
    """With the real pip: it gets the wheels from a folder, and installs them elsewhere."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    made = make_wheelhouse(tmp_path / "house", HERE, build=build, notify=lambda _: None)
    # Settings that would lead pip astray, if the script let them.
    hostile = {"PIP_FIND_LINKS": "/nowhere", "PIP_TARGET": str(tmp_path / "astray")}
    done = subprocess.run(
        ["/bin/sh", str(made.folder / "install.sh"), "environment"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHON": str(python), **hostile},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "The doctor is content. 1" in done.stdout
    assert "Begin with: environment/bin/deployworkbook lab" in done.stdout
    assert not (tmp_path / "astray").exists()


def test_an_installed_package_becomes_the_same_wheel_again(tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    with zipfile.ZipFile(tiny_wheel(tmp_path, "lib", requires=["base"])) as archive:
        archive.extractall(tmp_path / "site")
        inside = {name: archive.read(name) for name in archive.namelist()}
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert metadata.distribution("lib").version == "1.0"
    (tmp_path / "out").mkdir()
    wheel = repacked("lib", tmp_path / "out")
    with zipfile.ZipFile(wheel) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == inside
    (tmp_path / "site" / "lib.py").write_text("VALUE = 2\n")
    with pytest.raises(OSError, match=r"lib\.py isn't as it was installed"):
        repacked("lib", tmp_path / "out")


@pytest.fixture
def pip(monkeypatch):
    """A pip that has some packages, as wheels or as sources; notes what it was asked for."""

    def run(arguments):
        asked = [each for each in arguments if "==" in each]
        calls.append((arguments[0], asked))
        known = has if arguments[0] == "download" else sources
        folder = arguments[arguments.index("--wheel-dir") + 1] if "--wheel-dir" in arguments else ""
        if folder and set(asked) <= known:
            (folder_tag,) = tags
            open(f"{folder}/src-1.0-{folder_tag}.whl", "w").close()
        return SimpleNamespace(returncode=int(not set(asked) <= known), stderr=said)

    calls, has, sources, tags, said = [], {"lib==1.0"}, set(), ["py3-none-any"], ""
    monkeypatch.setattr(downloading, "_run", run)
    return SimpleNamespace(calls=calls, has=has, sources=sources, tags=tags)


WANTED = [Requirement("lib==1.0"), Requirement("src==1.0")]


def test_packages_without_a_wheel_are_named(pip, tmp_path):
    with pytest.raises(MissingWheelsError, match=r"win_amd64.*: src==1\.0\. Choose another"):
        download(WANTED, Target("win_amd64", "3.12"), tmp_path)
    assert [asked for _, asked in pip.calls] == [
        ["lib==1.0", "src==1.0"],
        ["lib==1.0"],
        ["src==1.0"],
        ["src==1.0"],
    ]


def test_a_pure_package_is_built_from_its_source(pip, tmp_path):
    pip.sources.add("src==1.0")
    download(WANTED, Target("win_amd64", "3.12"), tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["src-1.0-py3-none-any.whl"]


def test_a_wheel_built_here_for_this_system_is_not_taken_for_another(pip, tmp_path):
    pip.sources.add("src==1.0")
    pip.tags[:] = ["cp312-cp312-linux_x86_64"]
    with pytest.raises(MissingWheelsError):
        download(WANTED, Target("win_amd64", "3.12"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_network_is_not_taken_for_missing_packages(monkeypatch, tmp_path):
    failed = SimpleNamespace(returncode=1, stderr="WARNING: Retrying (Retry(total=4, ...")
    monkeypatch.setattr(downloading, "_run", lambda _: failed)
    with pytest.raises(OSError, match="Run the same command again"):
        download(WANTED, HERE, tmp_path)


def test_the_command_says_what_it_has_made(make, monkeypatch, capsys, tmp_path):
    made, _ = make()
    monkeypatch.setattr(making, "make_wheelhouse", lambda *_, **__: made)
    with pytest.raises(SystemExit) as ended:
        main(["teach", "wheelhouse", str(tmp_path / "house")])
    assert not ended.value.code
    said = capsys.readouterr().out
    assert "3 wheels" in said
    assert "install.sh" in said
