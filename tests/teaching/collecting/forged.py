"""Some two hundred submissions that prove nothing: forged, damaged, or no submissions at all."""

import copy
import gzip
import json
import os

from tests.teaching.collecting import attacks

RIGHT = {"code": "import numpy\ndef f(a, b): return numpy.mean((a - b) ** 2)\n", "name": "f"}
VALUE = {"shape": [], "values": [1.139831061]}


def honest(number, /, **changes):
    """A submission with two right answers, as a dictionary."""
    fields = {
        "format": "deployworkbook-submission",
        "schema": 1,
        "pseudonym": f"learner-{number}",
        "learner": f"{number:016x}",
        "number": 1,
        "version": "0.1.0",
        "exercises": {
            "losses.mean": {"tries": 1, "lost": 0, "answers": [dict(RIGHT)]},
            "losses.logits": {"tries": 1, "lost": 0, "answers": [dict(VALUE)]},
        },
    }
    return copy.deepcopy(fields | changes)


def with_answers(number, exercise, *answers, tries=99, lost=0):
    handed = {"tries": tries, "lost": lost, "answers": list(answers)}
    return honest(number, exercises={exercise: handed})


def attacking(first):
    """Functions that cheat or do harm, one a submission."""
    for number, code in enumerate(attacks.ALL, start=first):
        yield with_answers(number, "losses.mean", {"code": code, "name": "f"})


def claiming(first):
    """Well-formed files without a right answer."""
    values = [0.0, -1.139831061, 1e308, "nan", "inf", 1]
    answers = [{"shape": [], "values": [each]} for each in values]
    answers += [
        {"shape": [1], "values": [1.139831061]},
        {"shape": [0], "values": []},
        {"shape": [2000], "values": ["nan"] * 2000},
    ]
    made = [with_answers(first + at, "losses.logits", each) for at, each in enumerate(answers)]
    first += len(made)
    made.append(with_answers(first, "losses.mean", tries=1))
    made.append(with_answers(first + 1, "losses.mean", tries=100_000, lost=20))
    made.append(honest(first + 2, exercises={}))
    made.append(with_answers(first + 3, "losses.logits", *answers, *answers))
    yield from made


def misshapen(first):
    """JSON of another form, with right answers in it."""
    wrong = {
        "format": ["", None, "deployworkbook-ledger", 1, {}],
        "schema": [0, 2, 99, "1", True, None, 1.0, -1],
        "pseudonym": ["", "A", "../x", "a b", "=1+1", "a" * 41, "x\n", None, 7, ["a"], "\x1b[2J"],
        "learner": ["", "0" * 15, "0" * 17, "g" * 16, 0, None],
        "number": [-1, 1.5, "1", True, None, 10**300],
        "version": ["", "x" * 41, "0.1\n", None, 1],
        "exercises": [None, [], "all", {"no.such": {}}, {"losses.mean": None}, {"losses.mean": []}],
    }
    for field, values in wrong.items():
        for value in values:
            yield honest(first, **{field: value})
            first += 1
        lacking = honest(first)
        del lacking[field]
        yield lacking
        first += 1
    # What a forger would like to be believed.
    yield honest(first, solved=["losses.mean"])
    for extra in ({"solved_at": "2026-01-01"}, {"tries": -1}, {"tries": 1e9}, {"answers": "all"}):
        first += 1
        document = honest(first)
        document["exercises"]["losses.mean"] |= extra
        yield document
    for exercise, answer in (
        ("losses.mean", VALUE),
        ("losses.logits", RIGHT),
        ("losses.mean", {**RIGHT, "right": True}),
        ("losses.mean", {"code": 1, "name": "f"}),
        ("losses.mean", {"code": RIGHT["code"] + "#" * 20_000, "name": "f"}),
        ("losses.mean", {"code": RIGHT["code"], "name": "f()"}),
        ("losses.logits", {"shape": [], "values": [True]}),
        ("losses.logits", {"shape": [], "values": ["1.139831061"]}),
        ("losses.logits", {"shape": [3000], "values": [0] * 3000}),
        ("losses.logits", None),
    ):
        first += 1
        yield with_answers(first, exercise, answer)


def damaged(first):
    """Files whose bytes are no submission."""
    whole = json.dumps(honest(first)).encode()
    step = len(whole) // 8
    yield from (whole[:end] for end in range(step, len(whole) - 1, step))
    yield from (
        b"",
        b"\n",
        b"\x00" * 100,
        b"null",
        b"[]",
        b"\xff\xfe" + whole,
        gzip.compress(whole),
    )
    yield whole.decode().encode("utf-16")
    yield whole.replace(b"learner-", b"l\xe4rner-")
    yield b"\xef\xbb\xbf" + whole
    yield whole + whole
    yield b"PK\x03\x04" + whole
    yield b"[" * 100_000
    yield b'{"a":' * 100_000
    yield whole.replace(b'"number": 1', b'"number": 1, "number": 2')
    yield whole.replace(b'"number": 1', b'"number": ' + b"9" * 100_000)
    yield whole.replace(b"1.139831061", b"NaN")
    yield whole.replace(b"1.139831061", b"1.139831061.0")


def write_all(folder):
    """Write all of them; return how many."""
    documents = []
    for make in (attacking, claiming, misshapen):
        documents += make(len(documents) + 1)
    contents = [json.dumps(each).encode() for each in documents]
    contents += damaged(len(contents) + 1)
    for number, content in enumerate(contents):
        (folder / f"{number:03}.submission.json").write_bytes(content)
    # No regular files; a link to a right one; a file that is only long.
    os.mkfifo(folder / "pipe.submission.json")
    (folder / "link.submission.json").symlink_to(folder / "double-0.submission.json")
    (folder / "loop.submission.json").symlink_to(folder / "loop.submission.json")
    with (folder / "huge.submission.json").open("wb") as file:
        file.truncate(10**10)
    (folder / "all.zip").write_bytes(b"PK\x03\x04")
    # Several that claim to be the same learner, or go by the same name; all have right answers.
    doubles = [honest(900), honest(900, number=1, version="9"), honest(900, number=1, version="8")]
    doubles += [honest(901 + at, pseudonym="brave-otter") for at in range(3)]
    for number, each in enumerate(doubles):
        (folder / f"double-{number}.submission.json").write_text(json.dumps(each))
    return len(list(folder.iterdir()))
