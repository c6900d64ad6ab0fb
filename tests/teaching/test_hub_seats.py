"""Seats: folders, user IDs, control groups."""

import os
import stat
import subprocess
import sys

import pytest

from deployworkbook.teaching.hub import cgroups, seats
from deployworkbook.teaching.hub.cgroups import ControlGroups

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_a_seat_is_its_owners_only(tmp_path):
    folder = seats.make_folder(tmp_path / "seats", "ada")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    seats.make_folder(tmp_path / "seats", "ada")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_link_is_no_seat(tmp_path):
    (tmp_path / "seats").mkdir()
    (tmp_path / "seats" / "ada").symlink_to("/etc")
    with pytest.raises(OSError, match="is a link"):
        seats.make_folder(tmp_path / "seats", "ada")


@as_root
def test_each_seat_has_a_user_of_its_own_who_keeps_it(tmp_path):
    owners = {
        name: seats.make_folder(tmp_path / "seats", name).stat().st_uid
        for name in ("ada", "grace", "ada")
    }
    assert len(set(owners.values())) == 2
    assert min(owners.values()) >= seats.FIRST_USER
    (tmp_path / "seats" / "root").mkdir()
    with pytest.raises(OSError, match="belongs to root"):
        seats.make_folder(tmp_path / "seats", "root")


@as_root
def test_one_learner_can_not_read_the_folder_of_another(tmp_path):
    tmp_path.chmod(0o755)
    ada = seats.make_folder(tmp_path / "seats", "ada")
    grace = seats.make_folder(tmp_path / "seats", "grace")
    (ada / "answers").write_text("42")
    program = f"""
import os, pathlib
os.setgroups([]); os.setgid({grace.stat().st_uid}); os.setuid({grace.stat().st_uid})
pathlib.Path({str(ada / "answers")!r}).read_text()
"""
    tried = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "PermissionError" in tried.stderr


def mount(tmp_path, version):
    """A folder that looks like the system's control groups."""
    if version == 2:
        (tmp_path / "cgroup.controllers").write_text("cpu io memory pids\n")
        (tmp_path / "cgroup.subtree_control").write_text("cpu memory\n")
        (tmp_path / "deployworkbook").mkdir()
        (tmp_path / "deployworkbook" / "cgroup.subtree_control").write_text("\n")
    else:
        (tmp_path / "memory").mkdir()
        (tmp_path / "cpu").mkdir()
    return tmp_path


def test_limits_of_version_2(tmp_path):
    found = cgroups.find(mount(tmp_path, 2))
    (folder,) = found.prepare("ada", memory_bytes=2**30, cpus=1.5)
    assert (folder / "memory.max").read_text() == str(2**30)
    assert (folder / "cpu.max").read_text() == "150000 100000"
    parent = tmp_path / "deployworkbook"
    assert (parent / "cgroup.subtree_control").read_text() == "+memory +cpu"


def test_limits_of_version_1(tmp_path):
    found = cgroups.find(mount(tmp_path, 1))
    memory, cpu = found.prepare("ada", memory_bytes=2**30, cpus=0.5)
    assert (memory / "memory.limit_in_bytes").read_text() == str(2**30)
    assert (cpu / "cpu.cfs_quota_us").read_text() == "50000"


def test_a_machine_without_control_groups_has_none(tmp_path):
    assert cgroups.find(tmp_path / "missing") is None
    (tmp_path / "cgroup.controllers").write_text("pids\n")
    (tmp_path / "memory").write_text("a file, so that no folder can be made in it")
    assert cgroups.find(tmp_path) is None


def test_what_a_learner_leaves_running_is_killed(tmp_path):
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    groups = ControlGroups({"memory": tmp_path, "cpu": tmp_path}, 2)
    (folder,) = groups.prepare("ada", memory_bytes=2**30, cpus=1.0)
    (folder / "cgroup.procs").write_text(f"{left.pid}\n")
    groups.end("ada")
    assert left.wait(timeout=30) < 0
