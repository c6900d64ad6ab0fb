"""A learner whose cell computes for long stands back behind one who moves a slider."""

import os
import sys

import pytest

from deployworkbook.teaching.hub.cgroups import CPU_WEIGHTS, ControlGroups
from deployworkbook.teaching.hub.weights import (
    BUSY_LOOKS,
    BUSY_WEIGHT,
    LOOK_EVERY_S,
    Weights,
    wanted_s,
)

TRAINS, DRAGS = 11, 22


class Room:
    """Two learners, and what their processes want of the processors from one look to the next."""

    def __init__(self, folder, version):
        self.file, self.whole = CPU_WEIGHTS[version]
        self.folder = folder
        self.groups = ControlGroups({"memory": folder, "cpu": folder}, version)
        for name, pid in (("ada", TRAINS), ("bob", DRAGS)):
            self.groups.prepare(name, memory_bytes=2**30, cpus=1.0)
            (folder / name / "cgroup.procs").write_text(f"{pid}\n")
        self.now_s = 0.0
        self.wanted = {TRAINS: 0.0, DRAGS: 0.0}
        self.weights = Weights(self.groups, self.wanted.__getitem__, lambda: self.now_s)
        self.weights.look()

    def after(self, looks, trains):
        """Return both weights after some looks; one learner drags a slider all the time."""
        for _ in range(looks):
            self.now_s += LOOK_EVERY_S
            self.wanted[TRAINS] += 1.9 * LOOK_EVERY_S if trains else 0.0
            self.wanted[DRAGS] += 0.5 * LOOK_EVERY_S
            self.weights.look()
        return [int((self.folder / name / self.file).read_text()) for name in ("ada", "bob")]


@pytest.mark.parametrize("version", CPU_WEIGHTS)
def test_training_stands_back_until_it_ends(tmp_path, version):
    room = Room(tmp_path, version)
    whole = room.whole
    assert room.after(1, trains=False) == [whole, whole]
    assert room.after(BUSY_LOOKS - 1, trains=True) == [whole, whole]
    assert room.after(1, trains=True) == [round(BUSY_WEIGHT * whole), whole]
    assert room.after(5, trains=True) == [round(BUSY_WEIGHT * whole), whole]
    assert room.after(1, trains=False) == [whole, whole]


def test_a_short_cell_keeps_its_weight(tmp_path):
    room = Room(tmp_path, 2)
    for _ in range(4):
        assert room.after(BUSY_LOOKS - 1, trains=True) == [100, 100]
        assert room.after(1, trains=False) == [100, 100]


def test_a_learner_who_leaves_is_forgotten_and_may_come_back(tmp_path):
    room = Room(tmp_path, 2)
    room.after(BUSY_LOOKS, trains=True)
    for file in (tmp_path / "ada").iterdir():
        file.unlink()
    (tmp_path / "ada").rmdir()
    room.now_s += LOOK_EVERY_S
    room.weights.look()
    room.groups.prepare("ada", memory_bytes=2**30, cpus=1.0)
    (tmp_path / "ada" / "cgroup.procs").write_text("33\n")
    room.wanted[33] = 1000.0  # what it used before is nobody's business
    room.weights.look()
    assert (tmp_path / "ada" / "cpu.weight").read_text() == "100"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has control groups")
def test_threads_that_run_are_counted_until_their_process_ends():
    before = wanted_s(os.getpid())
    sum(range(300_000))
    assert wanted_s(os.getpid()) > before
    assert wanted_s(2**22 + 1) == 0.0
