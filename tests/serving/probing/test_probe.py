"""Checks from outside: a sound server passes all, each planted fault fails the right one."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from junitparser import JUnitXml

from deployworkbook.cli import main
from deployworkbook.serving import probing
from deployworkbook.serving.probing import checks
from deployworkbook.serving.probing.checks import Check, probe
from deployworkbook.serving.probing.golden import Golden
from deployworkbook.serving.probing.recording import record_golden
from deployworkbook.serving.probing.report import junit_xml
from tests.serving.conftest import free_port
from tests.serving.planted import FAULTS, MODEL, in_front_of

NAMES = ["version", "metadata", "classes", "scores", "latency", "unknown model", "wrong shape"]
# What each fault fails, and no other: a wrong alarm beside the right one would mislead.
FAILS = {
    "wrong model": {"scores"},
    "swapped labels": {"classes", "scores"},
    "pixels not scaled": {"classes", "scores"},
    "slow server": {"latency"},
    "stale version": {"version"},
}


def failed(outcomes):
    return {outcome.name for outcome in outcomes if outcome.status != "passed"}


def still():
    """A clock on which nothing takes time."""
    return 0.0


def test_a_sound_server_passes_all(planted, golden):
    outcomes = probe(planted["sound"], golden, clock=still)
    assert [outcome.name for outcome in outcomes] == NAMES
    assert failed(outcomes) == set(), outcomes


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "slow server"])
def test_each_fault_fails_its_checks(planted, golden, fault):
    outcomes = probe(planted[fault], golden, clock=still)
    found = failed(outcomes)
    # An equally good other model may, but needn't, class an image differently.
    assert found == FAILS[fault] or found == FAILS[fault] | {"classes"}, outcomes


def test_a_slow_server_fails_its_budget(planted, golden):
    """The clock is the proxy's, so the test itself need not wait."""
    now_s = [0.0]

    def half_a_second():
        now_s[0] += 0.5

    with in_front_of(planted["sound"], half_a_second) as slow:
        outcomes = probe(slow.address, golden, clock=lambda: now_s[0])
        assert failed(outcomes) == FAILS["slow server"]
        assert "500 ms" in outcomes[NAMES.index("latency")].said
        assert failed(probe(slow.address, golden, latency_ms=600, clock=lambda: now_s[0])) == set()


def test_swapped_labels_are_named(planted, golden):
    outcomes = probe(planted["swapped labels"], golden, clock=still)
    assert "labels 1 and 7 look swapped" in outcomes[NAMES.index("classes")].said


def test_unscaled_pixels_are_suspected(planted, golden):
    outcomes = probe(planted["pixels not scaled"], golden, clock=still)
    assert "scaled" in outcomes[NAMES.index("classes")].said


def test_changed_inputs_are_named(planted, golden):
    renamed = replace(golden, inputs={"pixels": golden.inputs["image"]})
    outcomes = probe(planted["sound"], renamed, clock=still)
    assert failed(outcomes) == {"metadata"}
    assert "image (DT_FLOAT [-1, 28, 28]), not pixels" in outcomes[1].said


def test_a_server_that_is_gone_fails_one_check(golden):
    address = f"http://127.0.0.1:{free_port()}"
    first, *others = probe(address, golden)
    assert (first.name, first.status) == ("version", "failed")
    assert address in first.said
    assert {other.status for other in others} == {"skipped"}


def test_a_server_without_the_model_fails_with_its_own_words(planted, golden):
    outcomes = probe(planted["sound"], replace(golden, model="nobody"), clock=still)
    assert failed(outcomes) == {
        "version",
        "metadata",
        "classes",
        "scores",
        "latency",
        "wrong shape",
    }
    assert "Servable not found" in outcomes[0].said


def test_only_rest_can_be_probed(golden):
    with pytest.raises(ValueError, match=r"http://HOST:PORT.*8501"):
        probe("127.0.0.1:8500", golden)


def test_golden_images_are_two_of_each_class_and_known_by_the_model(golden):
    labels = [image.label for image in golden.images]
    assert sorted(set(labels)) == list(range(10))
    assert all(1 <= labels.count(label) <= 2 for label in range(10))
    assert all(np.argmax(image.scores) == image.label for image in golden.images)
    assert golden.version == 2
    assert golden.inputs == {"image": {"dtype": "DT_FLOAT", "shape": [-1, 28, 28]}}


def test_golden_images_survive_their_file(golden):
    assert Golden.from_json(golden.to_json()) == golden


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain.pop("version"),
        lambda plain: plain["images"].clear(),
        lambda plain: plain["images"][0].update(pixels="no Base64"),
        lambda plain: plain["images"][0].update(pixels="AAAA"),
        lambda plain: plain.update(more=1),
    ],
)
def test_a_damaged_file_says_how_to_make_a_new_one(golden, change):
    plain = json.loads(golden.to_json())
    change(plain)
    with pytest.raises(ValueError, match=r"my-file: .*--record"):
        Golden.from_json(json.dumps(plain), "my-file")


def test_recording_refuses_what_suits_no_model(planted, digits):
    some = digits.test.take(50)
    given = {"model": MODEL}
    with pytest.raises(ValueError, match=r"from 0 to 1.*255"):
        record_golden(planted["sound"], some.images * 255, some.labels, **given)
    with pytest.raises(ValueError, match=r"\[14, 28\]"):
        record_golden(planted["sound"], some.images[:, ::2], some.labels, **given)
    with pytest.raises(ValueError, match="50, one per image"):
        record_golden(planted["sound"], some.images, some.labels[1:], **given)
    with pytest.raises(ValueError, match="no image of class"):
        record_golden(planted["sound"], some.images, (some.labels + 1) % 10, **given)


def test_hints_are_given_only_where_they_hold():
    # Only one of the two 7s is wrong: a weak model, not swapped labels.
    assert "swapped" not in checks._hint([(1, 7), (7, 1)], [1, 7, 7], [7, 1, 7])
    assert "swapped" in checks._hint([(1, 7), (7, 1), (7, 1)], [1, 7, 7, 0], [7, 1, 1, 0])


def test_the_report_is_junits(tmp_path):
    outcomes = [
        Check("version", "passed", "version 2 answers", 0.25),
        Check("scores", "failed", '3 of 20 <images> & "more"', 0.5),
        Check("latency", "skipped", "no server", 0.0),
    ]
    path = tmp_path / "report.xml"
    path.write_text(junit_xml(outcomes, "probe digits"))
    (suite,) = JUnitXml.fromfile(str(path))
    assert (suite.tests, suite.failures, suite.skipped, suite.time) == (3, 1, 1, 0.75)
    cases = {case.name: case for case in suite}
    assert cases["scores"].result[0].message == '3 of 20 <images> & "more"'
    assert cases["version"].time == 0.25


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["probe", *arguments])
    return ended.value.code or 0


def test_the_command_records_then_checks(planted, tmp_path, capsys):
    place, report = ["--dir", str(tmp_path / "w")], tmp_path / "deep" / "report.xml"
    address = planted["sound"]
    assert command(address, *place) == 1
    assert "--record" in capsys.readouterr().err
    assert not (tmp_path / "w").exists()
    recording = [address, "--model", MODEL, "--dataset", "digits", "--latency-ms", "60000", *place]
    assert command(*recording, "--record") == 0
    assert "version 2" in capsys.readouterr().out
    assert command(address, "--junit", str(report), *place) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0].split(maxsplit=1) for line in shown] == [
        ["passed", name] for name in NAMES
    ]
    assert JUnitXml.fromfile(str(report)).tests == len(NAMES)
    assert command(planted["stale version"], "--json", *place) == 1
    outcomes = {each["name"]: each["status"] for each in json.loads(capsys.readouterr().out)}
    assert [name for name, status in outcomes.items() if status == "failed"] == ["version"]
    assert command(address, "--model", "digit", *place) == 1
    assert "'digits'" in capsys.readouterr().err
    # An edited file is kept.
    (tmp_path / "w" / "golden" / "digits.json").write_text("mine")
    assert command(*recording, "--record") == 0
    assert "is saved as" in capsys.readouterr().out
    assert command(address, "--record", *place) == 2


def test_the_checks_run_where_only_python_is(planted, golden, tmp_path):
    """As in a container: a copy of the files, and no package but Python's own."""
    folder = tmp_path / "deployworkbook" / "serving" / "probing"
    folder.mkdir(parents=True)
    for path in Path(probing.__file__).parent.glob("*.py"):
        if path.stem not in ("recording",):
            (folder / path.name).write_text(path.read_text())
    (tmp_path / "golden.json").write_text(replace(golden, latency_ms=60_000).to_json())

    def run(address):
        return subprocess.run(
            # -S: without the folder of installed packages.
            [sys.executable, "-S", "-m", "deployworkbook.serving.probing", address,
             "--golden", "golden.json", "--junit", "report.xml"],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    done = run(planted["sound"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert JUnitXml.fromfile(str(tmp_path / "report.xml")).tests == len(NAMES)
    assert run(planted["stale version"]).returncode == 1
    assert run("127.0.0.1:8500").returncode == 2
