"""Patches: bit for bit, small where little has changed, and refused where they don't belong."""

import hashlib
import os
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from deployworkbook.updates import patch_file
from deployworkbook.updates.applying import apply_patch
from deployworkbook.updates.coding import CODINGS, WHOLE, Coding, decoded, encoded
from deployworkbook.updates.making import bsdiff_bytes, make_patch, measure_patch
from deployworkbook.updates.patch_file import LENGTH, PatchHeader
from deployworkbook.updates.weights import with_weights


@settings(max_examples=60)
@given(old=st.binary(max_size=50), new=st.binary(max_size=50), coding=st.sampled_from(CODINGS))
def test_each_coding_can_be_undone(old, new, coding):
    assert decoded(old, encoded(old, new, coding), coding, len(new)) == new


@pytest.fixture
def pair(tmp_path):
    """Two files that differ a little, and a patch of four blocks between them."""
    chance = np.random.default_rng(0)
    weights = chance.normal(size=1000).astype(np.float32)
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(weights.tobytes())
    weights[500:600] += 0.01
    new.write_bytes(weights.tobytes())
    patch = tmp_path / "patch"
    make_patch(old, new, patch, old_version="1", new_version="2", block_bytes=1024)
    return old, new, patch


def files_between(chance, kind):
    """Make two files of a few hundred bytes: related in one way or another, or not at all."""
    values = chance.normal(size=int(chance.integers(0, 150))).astype(np.float32)
    if kind == "floats":
        return values.tobytes(), (values + chance.normal(0, 1e-3, values.shape)).astype(
            np.float32
        ).tobytes()
    old = np.clip(np.rint(values * 40), -127, 127).astype(np.int8).tobytes()
    if kind == "integers":
        steps = chance.integers(-1, 2, len(old)).astype(np.int8)
        return old, (np.frombuffer(old, np.int8) + steps).tobytes()
    if kind == "shifted":
        return old, chance.bytes(int(chance.integers(1, 9))) + old + chance.bytes(5)
    if kind == "shorter":
        return old, old[: len(old) // 2]
    return old, chance.bytes(int(chance.integers(0, 300)))


def test_patches_are_exact_on_200_random_pairs_of_forms(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)  # a disk's time, and nothing of a patch's
    chance = np.random.default_rng(20)
    old, new, patch, made = (tmp_path / name for name in ("old", "new", "patch", "made"))
    methods = set()
    for number in range(200):
        kinds = ("floats", "integers", "shifted", "shorter", "other")
        before, after = files_between(chance, kinds[number % 5])
        old.write_bytes(before)
        new.write_bytes(after)
        block = int(chance.choice([256, 512, 4096]))
        methods.add(make_patch(old, new, patch, block_bytes=block).header.coding.method)
        made.unlink(missing_ok=True)
        applied = apply_patch(old, patch, made)
        assert made.read_bytes() == after
        assert applied.header.new_sha256 == hashlib.sha256(after).hexdigest()
    assert len(methods) >= 4


@pytest.mark.parametrize("form", ["float32", "dynamic", "full"])
def test_a_trained_layer_makes_a_small_patch(form, files, parameters):
    content = with_weights(files[form], [*parameters[:2], parameters[2] * 1.01, parameters[3]])
    sizes = measure_patch(files[form], content)
    assert sizes.share < 0.08
    assert sizes.full_bytes == len(content)
    assert min(sizes.by_coding, key=sizes.by_coding.get) == sizes.coding


def test_a_patch_is_compared_with_bsdiffs(pair):
    pytest.importorskip("bsdiff4")
    old, new, _ = pair
    assert 100 < bsdiff_bytes(old.read_bytes(), new.read_bytes()) < 4000


def test_a_patch_says_whose_it_is_and_what_it_makes(pair):
    old, new, patch = pair
    with patch.open("rb") as file:
        header = patch_file.read_header(file, patch)
    assert (header.old_version, header.new_version, header.blocks) == ("1", "2", 4)
    assert header.new_sha256 == hashlib.sha256(new.read_bytes()).hexdigest()
    assert header.file_bytes == patch.stat().st_size
    assert apply_patch(old, patch).is_new
    assert old.read_bytes() == new.read_bytes()
    assert not apply_patch(old, patch).is_new


def test_another_file_is_refused_and_stays(pair):
    old, _, patch = pair
    content = bytearray(old.read_bytes())
    content[7] ^= 1
    old.write_bytes(content)
    with pytest.raises(ValueError, match=r"expected version 1.*Take the patch for this version"):
        apply_patch(old, patch)
    assert old.read_bytes() == content


def test_any_altered_byte_of_a_patch_is_noticed(pair):
    old, _, patch = pair
    content, before = patch.read_bytes(), old.read_bytes()
    for place in range(0, len(content), 7):
        altered = bytearray(content)
        altered[place] ^= 1 << place % 8
        patch.write_bytes(altered)
        with pytest.raises(ValueError, match=r"is damaged|expected"):
            apply_patch(old, patch)
    assert old.read_bytes() == before


def test_a_partial_download_is_named(pair):
    old, _, patch = pair
    content = patch.read_bytes()
    for size in (10, 130, 150, len(content) - 1):
        patch.write_bytes(content[:size])
        with pytest.raises(ValueError, match="The download is incomplete: continue it"):
            apply_patch(old, patch)


def forged(path, old, frame, size, **changes):
    """Write a patch with consistent hashes around any block."""
    payload = LENGTH.pack(len(frame)) + frame
    content = old.read_bytes()
    header = PatchHeader(
        Coding(WHOLE),
        block_bytes=2**16,
        old_bytes=len(content),
        new_bytes=size,
        payload_bytes=len(payload),
        old_sha256=hashlib.sha256(content).hexdigest(),
        new_sha256="00" * 32,
        payload_sha256=hashlib.sha256(payload).hexdigest(),
    )
    path.write_bytes(replace(header, **changes).as_bytes() + payload)


def test_a_bomb_is_not_unpacked(pair):
    old, _, patch = pair
    packer = zstandard.ZstdCompressor(write_content_size=True).compressobj()
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(64)) + packer.flush()
    before = old.read_bytes()
    forged(patch, old, bomb, 1000)
    tracemalloc.start()
    with pytest.raises(ValueError, match="another size than it says"):
        apply_patch(old, patch)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2**20
    assert old.read_bytes() == before


def test_a_file_larger_than_allowed_is_refused_before_anything_is_read(pair):
    old, _, patch = pair
    with pytest.raises(ValueError, match=r"at most 1,000.*limit_bytes"):
        apply_patch(old, patch, limit_bytes=1000)
    forged(patch, old, b"", 2**40)
    with pytest.raises(ValueError, match="1,099,511,627,776 bytes"):
        apply_patch(old, patch)


def test_lengths_and_methods_that_cannot_be_are_refused(pair):
    old, _, patch = pair
    forged(patch, old, b"x", 1000, payload_bytes=3)
    with pytest.raises(ValueError, match="it has"):
        apply_patch(old, patch)
    forged(patch, old, b"x", 1000, coding=Coding(99))
    with pytest.raises(ValueError, match="Install a newer version"):
        apply_patch(old, patch)
    forged(patch, old, b"x", 1000, block_bytes=2**30)
    with pytest.raises(ValueError, match="blocks of 1,073,741,824 bytes"):
        apply_patch(old, patch)
    forged(patch, old, b"no frame", 1000)
    with pytest.raises(ValueError, match="is damaged"):
        apply_patch(old, patch)
    patch.write_bytes(b"PK\3\4" + bytes(200))
    with pytest.raises(ValueError, match="another kind of file"):
        apply_patch(old, patch)
    assert not list(old.parent.glob("*.part"))


def test_names_must_fit(pair):
    old, new, patch = pair
    with pytest.raises(ValueError, match="at most 255"):
        make_patch(old, new, patch, old_version="x" * 300)
    with pytest.raises(ValueError, match="block_bytes"):
        make_patch(old, new, patch, block_bytes=10)
