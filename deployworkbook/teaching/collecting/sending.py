"""Prepare a learner's submission, and write it where the teacher looks for it."""

from __future__ import annotations

import ast
import json
import re
import secrets
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from deployworkbook import __version__
from deployworkbook.exercises import store
from deployworkbook.exercises.kept import Entry, kept_answers
from deployworkbook.exercises.progress import TRIES
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.teaching.collecting.pseudonyms import check_pseudonym, draw_pseudonym
from deployworkbook.teaching.collecting.submission import SUFFIX, Answer, Handed, Submission, parse
from deployworkbook.workspace.files import full_path, write_atomically
from deployworkbook.workspace.folder import Workspace

IDENTITY: store.Fields = {"pseudonym": "", "learner": "", "number": 0}
NAME = "submission"

# A text in a learner's code that is, or holds, a path of a machine.
PATH = re.compile(r"(?:^|[\s\"'(=])(?:~|[A-Za-z]:[\\/]|\\\\|/)\w[^\s]*[\\/]|^~|^[A-Za-z]:\\")
REMOVED = "(path removed)"


def prepare(
    workspace: Workspace, *, lessons: Collection[str] = (), name: str | None = None
) -> Submission:
    """Put together what a learner hands in; nothing is written yet.

    Args:
        workspace: The learner's folder.
        lessons: Names of the lessons to hand in, such as ``02_loss_functions``; by default all.
        name: The pseudonym to go by; by default the last one, or else a new one.

    Raises:
        ValueError: There are no answers yet, the name has another form, or somebody has edited
            the kept answers so that they can't be handed in.
    """
    identity = store.read(NAME, IDENTITY, workspace).get("self", store.blank(IDENTITY))
    progress = store.read("progress", TRIES, workspace)
    kept = kept_answers(workspace)
    exercises = {
        exercise.id: _handed(kept[exercise.id], progress.get(exercise.id, {}).get("tries", 0))
        for exercise in EXERCISES.values()
        if exercise.id in kept and (not lessons or exercise.lesson in lessons)
    }
    if not exercises:
        raise ValueError(
            "No answers to submit were found. Answers are kept when a lesson checks them: "
            "run the cells of the exercises that you have answered, and try again."
        )
    submission = Submission(
        pseudonym=check_pseudonym(name or identity["pseudonym"] or draw_pseudonym()),
        learner=identity["learner"] or secrets.token_hex(8),
        number=identity["number"] + 1,
        version=__version__,
        exercises=exercises,
    )
    parse(submission.text().encode())  # what a teacher would refuse is an error here
    return submission


def target_of(submission: Submission, to: Path | None, workspace: Workspace) -> Path:
    """Return the file to write.

    Args:
        submission: The submission.
        to: A folder, a file that ends with ``.submission.json``, or None for the learner's folder.
        workspace: The learner's folder.

    Raises:
        OSError: There is no such folder, or another learner's file is there.
    """
    if to is not None and to.name.endswith(SUFFIX) and not to.is_dir():
        folder, name = full_path(to.parent), to.name
    else:
        folder = workspace.root if to is None else full_path(to)
        name = f"{submission.pseudonym}{SUFFIX}"
    if not folder.is_dir():
        raise NotADirectoryError(
            f"There is no folder {folder}. Name an existing folder, such as your teacher's "
            f"shared one, or a file whose name ends with {SUFFIX}."
        )
    target = folder / name
    if _is_taken(target, submission.learner):
        raise FileExistsError(
            f"{target} is another learner's, or comes from another folder of yours, which you "
            f"can delete. Otherwise choose another name, for example: --name {draw_pseudonym()}"
        )
    return target


def write(submission: Submission, target: Path, workspace: Workspace) -> Path | None:
    """Write a submission; keep who handed it in for the next one.

    Args:
        submission: The submission.
        target: The file, as ``target_of`` returned it.
        workspace: The learner's folder, which gets a backup of an earlier submission.

    Returns:
        The backup, if one was made.

    Raises:
        OSError: The file can't be written, or has become another learner's meanwhile.
    """
    backup = None
    try:
        target.open("xb").close()  # takes the name, if nobody has it
        is_new = True
    except FileExistsError:
        is_new = False
        if _is_taken(target, submission.learner):
            raise
        backup = workspace.back_up(target)
    try:
        write_atomically(target, submission.text())
    except OSError:
        if is_new:
            target.unlink(missing_ok=True)
        raise

    def remember(records: store.Records) -> None:
        records["self"] = {name: getattr(submission, name) for name in IDENTITY}

    store.update(NAME, IDENTITY, remember, workspace, private=True)
    return backup


def outline(data: Any, indent: str = "") -> Iterator[str]:
    r"""Lay out a submission's content for reading, all of it: a field per line, code as it is.

    >>> print("\n".join(outline({"tries": 2, "answers": [{"shape": [], "values": [0.5]}]})))
    tries: 2
    answers:
      -
        shape: []
        values: [0.5]
    """
    pairs = data.items() if isinstance(data, dict) else [("-", each) for each in data]
    for name, value in pairs:
        label = f"{indent}{name}" if name == "-" else f"{indent}{name}:"
        if isinstance(value, dict) or (isinstance(value, list) and _holds_fields(value)):
            yield label
            yield from outline(value, indent + "  ")
        elif isinstance(value, str) and "\n" in value:
            yield label
            yield from (f"{indent}  {line}" for line in value.splitlines())
        else:
            yield f"{label} {value if isinstance(value, str) else json.dumps(value)}"


def without_paths(code: str) -> str:
    """Return code whose texts hold no paths, which could tell a user's or a machine's name.

    >>> without_paths("open('/home/li/data.csv')")
    "open('(path removed)')"
    """
    home = str(Path.home())

    def cleaned(text: str) -> str:
        return REMOVED if PATH.search(text) or (len(home) > 1 and home in text) else text

    return ast.unparse(_Texts(cleaned).visit(ast.parse(code)))


class _Texts(ast.NodeTransformer):
    """Changes each text in a program."""

    def __init__(self, change: Callable[[str], str]) -> None:
        self._change = change

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, str):
            return ast.Constant(self._change(node.value))
        return node


def _handed(entries: list[Entry], tries: int) -> Handed:
    answers = [answer for entry in entries if (answer := _answer(entry))]
    lost = len(entries) - len(answers)
    return Handed(tries=max(tries, len(entries)), lost=lost, answers=answers)


def _answer(entry: Entry) -> Answer | None:
    if "lost" in entry:
        return None
    if "code" not in entry:
        return {"shape": entry["shape"], "values": entry["values"]}
    try:
        return {"code": without_paths(entry["code"]), "name": entry["name"]}
    except (SyntaxError, ValueError):  # somebody edited it
        return None


def _holds_fields(values: list[Any]) -> bool:
    return any(isinstance(each, dict) for each in values)


def _is_taken(target: Path, learner: str) -> bool:
    """Return whether something else than this learner's own submission has a file's name."""
    if not target.exists() and not target.is_symlink():
        return False
    if target.is_symlink() or not target.is_file():
        return True
    try:
        found = json.loads(target.read_bytes())
        return not isinstance(found, dict) or found.get("learner") != learner
    except (ValueError, RecursionError):
        return True
