"""Whatever interrupts a download or an update, the next call goes on, and no file is half new."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deployworkbook.updates.applying import apply_patch
from deployworkbook.updates.making import make_patch
from deployworkbook.updates.receiving import receive

MOMENTS = 20


@pytest.fixture
def files(tmp_path):
    """Two files, and a patch of eight blocks between them."""
    chance = np.random.default_rng(0)
    old, new, patch = (tmp_path / name for name in ("old", "new", "patch"))
    old.write_bytes(chance.bytes(2048))
    new.write_bytes(old.read_bytes()[:1000] + chance.bytes(1000))
    make_patch(old, new, patch, block_bytes=256)
    return old, new, patch


@pytest.mark.skipif(sys.platform == "win32", reason="it forks")
def test_a_kill_at_20_moments_leaves_the_old_or_the_new_file(files):
    program = Path(__file__).with_name("killed_apply.py")
    done = subprocess.run(
        [sys.executable, program, *files, str(MOMENTS)], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    assert len(rows) == MOMENTS
    assert all(killed == "1" for killed, *_ in rows)
    assert {state for _, state, *_ in rows} == {"old", "new"}
    assert all(afterwards == "new" for *_, afterwards, _ in rows)
    # Later kills leave more of the new file.
    resumed = {int(each) for *_, each in rows}
    assert len(resumed) > 4
    assert max(resumed) >= 1536


def test_an_interrupted_update_goes_on_where_it_was(files):
    old, new, patch = files
    done = []

    def stop(block, blocks):
        done.append(block)
        if block == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_patch(old, patch, progress=stop)
    assert done == [1, 2, 3, 4, 5]
    applied = apply_patch(old, patch)
    assert applied.resumed_bytes == 5 * 256
    assert old.read_bytes() == new.read_bytes()
    assert not list(old.parent.glob("*.part"))


def test_a_part_of_another_origin_is_made_anew(files):
    old, new, patch = files
    digest = hashlib.sha256(new.read_bytes()).hexdigest()
    for left in (b"x" * 700, b"y" * 5000):
        old.with_name(f".made.{digest[:16]}.part").write_bytes(left)
        made = old.with_name("made")
        assert apply_patch(old, patch, made).resumed_bytes == 0
        assert made.read_bytes() == new.read_bytes()
        made.unlink()


def test_the_new_file_keeps_the_old_ones_permissions(files):
    old, _, patch = files
    old.chmod(0o640)
    apply_patch(old, patch)
    assert old.stat().st_mode & 0o777 == 0o640


class Link:
    """A link that breaks after some bytes."""

    def __init__(self, content, breaks_after):
        self.content, self.left = content, breaks_after

    def __call__(self, offset, size):
        part = self.content[offset : offset + size]
        self.left -= len(part)
        if self.left < 0:
            raise ConnectionError("the link broke")
        return part


def test_a_download_continues_where_the_link_broke(tmp_path):
    content = np.random.default_rng(1).bytes(1000)
    target = tmp_path / "patch"
    expected = {"size_bytes": 1000, "sha256": hashlib.sha256(content).hexdigest()}
    with pytest.raises(ConnectionError):
        receive(Link(content, 450), target, chunk_bytes=100, **expected)
    assert not target.exists()
    received = receive(Link(content, 600), target, chunk_bytes=100, **expected)
    assert (received.resumed_bytes, received.received_bytes) == (400, 600)
    assert target.read_bytes() == content
    assert receive(Link(content, 0), target, **expected).received_bytes == 0


def test_a_damaged_download_is_deleted_and_named(tmp_path):
    content = bytes(1000)
    target = tmp_path / "patch"
    with pytest.raises(ValueError, match="its hash differs"):
        receive(Link(b"x" * 1000, 9000), target, size_bytes=1000, sha256="0" * 64)
    with pytest.raises(ValueError, match="1,500 bytes in all"):
        receive(Link(content, 9000), target, size_bytes=1500, sha256="0" * 64)
    (tmp_path / "patch.part").write_bytes(bytes(2000))
    digest = hashlib.sha256(content).hexdigest()
    assert receive(Link(content, 9000), target, size_bytes=1000, sha256=digest).resumed_bytes == 0
