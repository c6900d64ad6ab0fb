"""Answers filled into a learner's notebook: never at the cost of anything that a learner wrote."""

import json
import random
from itertools import chain

import pytest

from deployworkbook.exercises.filling import checked_in, find_stub, is_filled
from deployworkbook.exercises.registry import EXERCISES
from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.jupyter.sections import sections_of, source_of
from deployworkbook.teaching.filling_up import EARLIER, fill_cells

SEEDS = range(2)


def code(source):
    return {"cell_type": "code", "source": source, "metadata": {}, "outputs": ["old"]}


def exercise_cells(cells):
    return [cell for cell in cells if cell["cell_type"] == "code" and checked_in(source_of(cell))]


def copied(cells):
    return [dict(cell) for cell in cells]


class Learner:
    """Edits a notebook at random; remembers each text of their own."""

    def __init__(self, cells, seed):
        self.cells, self.random = copied(cells), random.Random(seed)
        self.written = []
        edits = (
            *(self.answer, self.answer, self.begin, self.comment, self.note, self.note),
            *(self.split, self.duplicate, self.move, self.forget_id, self.double_id),
            *(self.retype, self.time, self.delete, self.whole),
        )
        for edit in self.random.choices(edits, k=20):
            edit()

    def word(self):
        self.written.append(f"mine-{len(self.written)}-é\u2028")
        return self.written[-1]

    def exercise(self):
        return self.random.choice(exercise_cells(self.cells) or [code("")])

    def change(self, cell, source):
        cell["source"] = source.splitlines(keepends=True)

    def answer(self):
        cell = self.exercise()
        for stub in ("return ...", "answer = ..."):
            new = stub.replace("...", repr(self.word()))
            self.change(cell, source_of(cell).replace(stub, new, 1))

    def begin(self):
        cell = self.exercise()
        self.change(cell, source_of(cell).replace("...", f"(  # {self.word()}", 1))

    def comment(self):
        cell = self.exercise()
        self.change(cell, f"# {self.word()}\n{source_of(cell)}\nprint({self.word()!r})")

    def note(self):
        cell = code(self.word()) | {"id": f"id-{len(self.written)}"}
        cell["cell_type"] = self.random.choice(("code", "markdown", "raw"))
        self.cells.insert(self.random.randrange(len(self.cells)), cell)

    def split(self):
        cell = self.exercise()
        above, call, below = source_of(cell).partition("check(")
        self.change(cell, call + below + f"  # {self.word()}")
        self.cells.insert(self.cells.index(cell) if cell in self.cells else 0, code(above))

    def duplicate(self):
        place = self.random.randrange(len(self.cells))
        self.cells.insert(place, dict(self.exercise()))

    def move(self):
        cell = self.cells.pop(self.random.randrange(len(self.cells)))
        self.cells.insert(self.random.randrange(len(self.cells)), cell)

    def delete(self):
        cell = self.cells[self.random.randrange(len(self.cells))]
        if not any(word in source_of(cell) for word in self.written):
            self.cells = [each for each in self.cells if each is not cell]

    def forget_id(self):
        self.random.choice(self.cells).pop("id", None)

    def double_id(self):
        self.random.choice(self.cells)["id"] = self.random.choice(self.cells).get("id", "x")

    def retype(self):
        self.exercise()["cell_type"] = "markdown"

    def time(self):
        cell = self.exercise()
        self.change(cell, f"%%time\n{source_of(cell)}")

    def whole(self):
        cell = self.random.choice(self.cells)
        cell["source"] = source_of(cell)


def texts(cells):
    return "\n".join(map(source_of, cells))


@pytest.mark.parametrize("lesson", catalogue(), ids=lambda lesson: lesson.name)
def test_no_edit_is_lost_at_any_section(lesson):
    shipped = json.loads(lesson.path.read_text(encoding="utf-8"))["cells"]
    stubs = {name: source_of(cell) for cell in exercise_cells(shipped)
             for name in checked_in(source_of(cell))}  # fmt: skip
    wanted = []
    for section in sections_of(lesson):
        for seed in SEEDS:
            learner = Learner(shipped, seed=1000 * section.place + seed)
            before = copied(learner.cells)
            replace = set(wanted) if seed % 2 else set()
            result = fill_cells(learner.cells, wanted, stubs, replace=replace)
            assert learner.cells == before
            old, new = texts(before), texts(result.cells)
            assert [word for word in learner.written if word in old and word not in new] == []
            parts = (result.filled, result.kept, result.replaced, result.absent, result.done)
            assert sorted(chain(*parts)) == sorted(wanted)
            changed = [
                pair for pair in zip(result.cells, before, strict=True) if pair[0] != pair[1]
            ]
            assert bool(changed) == bool(result.filled + result.replaced)
            assert all(is_filled(source_of(cell)) for cell, _ in changed)
            again = fill_cells(result.cells, wanted, stubs, replace=replace)
            assert again.cells == result.cells
        wanted += section.exercises


@pytest.mark.parametrize("lesson", catalogue(), ids=lambda lesson: lesson.name)
def test_an_untouched_lesson_is_filled_up_to_each_section_and_no_further(lesson):
    shipped = json.loads(lesson.path.read_text(encoding="utf-8"))["cells"]
    wanted = []
    for section in sections_of(lesson):
        result = fill_cells(shipped, wanted, {})
        assert result.filled == wanted
        done = {name for cell in exercise_cells(result.cells) if is_filled(source_of(cell))
                for name in checked_in(source_of(cell))}  # fmt: skip
        assert done == set(wanted)
        wanted += section.exercises
    assert set(wanted) == {name for name, each in EXERCISES.items() if each.lesson == lesson.name}


STUB = 'answer = ...\n\ncheck("serving.hang", answer)'


def filled(*sources, replace=()):
    cells = [code(source) for source in sources]
    return fill_cells(cells, ["serving.hang"], {"serving.hang": STUB}, replace=replace)


def test_a_split_cell_is_filled_where_its_stub_is_and_marked_where_its_check_is():
    result = filled("answer = ...", "print(1)", 'check("serving.hang", answer)')
    stub, _, check = map(source_of, result.cells)
    assert "answer = 100 / 2" in stub
    assert is_filled(stub)
    assert is_filled(check)
    assert result.cells[1]["outputs"] == ["old"]
    assert result.cells[0]["outputs"] == result.cells[2]["outputs"] == []


@pytest.mark.parametrize(
    "sources",
    [
        ['answer = 7\n\ncheck("serving.hang", answer)'],
        ['check("serving.hang", 7)'],
        ['answer = (\n\ncheck("serving.hang", answer)'],
        [STUB, STUB.replace("...", "7")],
        ["answer = ...", "answer = 7", 'check("serving.hang", answer)'],
        ['answer = ...\ncheck("serving.bytes", answer)', 'check("serving.hang", answer)'],
        ['check("serving.hang", answer)'],
        [STUB.replace("\n", "\r")],
    ],
)
def test_what_may_be_the_learners_own_answer_is_kept(sources):
    result = filled(*sources)
    assert result.kept == ["serving.hang"]
    assert [source_of(cell) for cell in result.cells] == sources


def test_only_the_first_of_several_unanswered_cells_is_filled():
    result = filled(STUB, STUB)
    assert [is_filled(source_of(cell)) for cell in result.cells] == [True, False]
    assert filled(*map(source_of, result.cells)).done == ["serving.hang"]


def test_an_answer_that_is_replaced_becomes_a_comment():
    own = 'answer = 7  # my reason\n\ncheck("serving.hang", answer)'
    result = filled(own, replace={"serving.hang"})
    source = source_of(result.cells[0])
    filling, old = source.split(f"\n\n{EARLIER}\n")
    assert "answer = 100 / 2" in filling
    assert [line.removeprefix("#").removeprefix(" ") for line in old.split("\n")] == own.split("\n")
    assert result.replaced == ["serving.hang"]
    assert filled(source, replace={"serving.hang"}).done == ["serving.hang"]


def test_a_comment_of_an_old_answer_holds_every_kind_of_line():
    own = STUB.replace("...", "1\rx = 2\r\ny = 3")
    result = filled(own, replace={"serving.hang"})
    names = {"check": lambda *_: None}
    exec(source_of(result.cells[0]), names)  # noqa: S102
    assert names["answer"] == 50
    assert "x" not in names


def test_an_exercise_whose_cell_is_gone_is_absent():
    assert filled("print(1)").absent == ["serving.hang"]
    assert find_stub(STUB, "answer", "serving.hang")
