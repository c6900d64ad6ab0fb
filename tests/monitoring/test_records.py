"""Records of requests: what they hold, what they never hold, and the report made from them."""

import json
import threading

import numpy as np
import pytest

from deployworkbook.monitoring.fingerprints import LONGEST_TEXT, fingerprint, general_text
from deployworkbook.monitoring.records import RequestLog
from deployworkbook.monitoring.reports import error_report

PIXELS = np.random.default_rng(0).random((28, 28))


@pytest.fixture
def log(tmp_path):
    with RequestLog(tmp_path / "logs" / "requests.jsonl") as log:
        yield log


def records(log):
    return [json.loads(line) for line in log.path.read_text().splitlines()]


def test_a_record_is_one_line_of_json(log):
    log.answered(request_id="a1", model="digits", version=2, latency_ms=1.5, examples=1)
    (record,) = records(log)
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "event": "request answered", "level": "info", "code": "OK", "request_id": "a1",
        "model": "digits", "version": 2, "latency_ms": 1.5, "examples": 1,
    }  # fmt: skip
    assert log.written_bytes == log.path.stat().st_size


@pytest.mark.parametrize(
    "image",
    [PIXELS, PIXELS.tolist(), PIXELS.tobytes(), tuple(PIXELS[0]), {"x": PIXELS}, [PIXELS]],
    ids=["array", "lists", "bytes", "tuple", "dict", "list of an array"],
)
def test_no_pixel_is_written_however_it_is_passed(log, image):
    log.answered(image=image)
    text = log.path.read_text()
    assert "0.6369616873214543" not in text
    assert len(text) < 250


def test_an_error_that_quotes_the_request_loses_its_numbers(log):
    log.failed("INVALID_ARGUMENT", f"could not parse {PIXELS.tolist()}", is_ours=False)
    (record,) = records(log)
    assert record["level"] == "warning"
    assert "0.63" not in record["said"]
    assert len(record["said"]) <= LONGEST_TEXT


def test_threads_do_not_mix_their_lines(log):
    def write(name):
        for number in range(200):
            log.answered(request_id=f"{name}-{number}", model="digits" * 20)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({record["request_id"] for record in records(log)}) == 800


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("took 3 ms", "took 12.5 ms", True),
        ("at 0x7f3a11", "at 0x5b00", True),
        (
            "id 6f9619ff-8b86-d011-b42d-00cf4fc964ff",
            "id 00000000-0000-0000-0000-000000000000",
            True,
        ),
        ("shape [1, 28, 28]", "shape [2, 784]", False),
        ("input image is missing", "input x is missing", False),
        ("[0.1, 0.2, 0.3] has the wrong type", "[1, 2, 3, 4, 5] has the wrong type", True),
        ("2026-11-30 04:00:00 too late", "2027-01-01T00:00:00Z too late", True),
        ("conv2 failed", "conv3 failed", False),
    ],
)
def test_equal_faults_have_equal_fingerprints(one, other, is_same):
    assert (fingerprint("INTERNAL", one) == fingerprint("INTERNAL", other)) is is_same


def test_a_general_text_stays_the_same_when_it_is_made_again():
    text = general_text("input 3 of [1, 2, 3, 4] failed at 0xff after 1.5e-3 s")
    assert general_text(text) == text


def test_the_report_groups_and_orders(log):
    for number in range(30):
        log.answered(request_id=f"ok{number}", model="digits", version=1)
    for number in range(5):
        said = f"gave up after {number} ms"
        log.failed(
            "INTERNAL", said, request_id=f"r{number}", model="digits", version=1 + number % 2
        )
    for number in range(9):
        said = f"{number} is no digit"
        log.failed("INVALID_ARGUMENT", said, is_ours=False, model="digits", version=1)
    with log.path.open("a") as file:
        file.write('{"event": "cut o')
    report = error_report(log.path)
    ours, theirs = report.faults
    assert (ours.code, ours.count, dict(ours.versions)) == (
        "INTERNAL",
        5,
        {"digits 1": 3, "digits 2": 2},
    )
    assert ours.request_ids == ["r0", "r1", "r2"]
    assert ours.first <= ours.last
    assert (theirs.code, theirs.count, theirs.level) == ("INVALID_ARGUMENT", 9, "warning")
    assert (report.answered, report.failed, report.unreadable) == (30, 14, 1)
    text = str(report)
    assert "44 requests, 14 failed, 2 kinds of error" in text
    assert "gave up after # ms" in text


def test_a_log_that_is_continued_counts_its_own_bytes(tmp_path):
    for _ in range(2):
        with RequestLog(tmp_path / "log") as log:
            log.answered(model="digits")
            written = log.written_bytes
    assert (tmp_path / "log").stat().st_size == 2 * written
