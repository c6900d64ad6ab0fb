"""A run sheet says what happens when, and what a teacher needs in front of the class."""

import re

import pytest
from typer.main import get_command

from deployworkbook.cli import app
from deployworkbook.exercises.registry import EXERCISES, PREDICTIONS
from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.jupyter.sections import exercise_tasks, sections_of
from deployworkbook.teaching.planning import make_plan
from deployworkbook.teaching.run_sheet import make_run_sheet
from deployworkbook.teaching.sheet_page import checks_for, sheet_as_html, sheet_as_markdown
from deployworkbook.teaching.slots import SLOTS
from tests.teaching.waits import alike

WAITS = alike()


def sheet(slot="60", *topics, **options):
    return make_run_sheet(make_plan(SLOTS[slot], topics, WAITS), **options)


@pytest.mark.parametrize("slot", SLOTS)
def test_its_lines_add_up_to_the_plan(slot):
    made = sheet(slot)
    parts = [row.talk + row.exercise + row.discussion + row.wait + row.pause for row in made.rows]
    assert sum(parts) == pytest.approx(made.plan.minutes)
    assert [row.begins for row in made.rows] == sorted(row.begins for row in made.rows)


def clock(text):
    hours, minutes = text.split(":")
    return 60 * int(hours) + int(minutes)


@pytest.mark.parametrize("slot", ["90", "180", "day"])
def test_a_teacher_reads_when_each_lesson_must_have_begun(slot):
    made = sheet(slot)
    air = clock("09:00") + made.plan.slot.minutes - clock(made.ends)
    begun = [point for point in made.checkpoints if "opening" in point.title]
    lessons = {row.title[:2] for row in made.rows if row.kind != "pause"}
    assert len(begun) == len(lessons) - 1
    for point in made.checkpoints:
        assert clock(point.latest) - clock(point.begins) == pytest.approx(air, abs=1)
        row = f"| {point.begins} | {point.latest} |"
        assert row in sheet_as_markdown(made)
    assert sheet_as_html(made).count("<td>") >= 3 * len(made.checkpoints)


def test_it_goes_by_the_clock():
    made = sheet("60", start="13:30")
    assert (made.begins, made.rows[0].begins) == ("13:30", "13:30")
    assert made.ends <= "14:24"
    with pytest.raises(ValueError, match=r"--start: expected a time such as 09:00"):
        sheet("60", start="half past nine")


def test_what_is_skipped_when_late_is_never_the_core():
    made = sheet("180")
    core = {step.section.title for step in made.plan.steps if step.section.is_core}
    assert made.skippable
    assert not {gain.title.partition(" · ")[2] for gain in made.skippable} & core
    gains = [gain.minutes for gain in made.homework]
    assert gains == sorted(gains, reverse=True)
    assert min(gains) > 0


@pytest.mark.parametrize("lay_out", [sheet_as_markdown, sheet_as_html])
def test_guesses_answers_and_usual_mistakes_are_all_there(lay_out):
    made = sheet("60")
    text = plain(lay_out(made))
    taught = [step.section for step in made.plan.steps if step.is_taught]
    for name in [name for section in taught for name in section.predictions]:
        question = PREDICTIONS[name]
        for part in (question.question, *question.choices, question.reason):
            assert plain(part) in text
    for name in [name for section in taught for name in section.exercises]:
        assert plain(name) in text
        for mistake in EXERCISES[name].mistakes:
            assert plain(mistake.text) in text
    for section in taught:
        assert plain(section.say) in text


def plain(text):
    """Text without the marks of Markdown and HTML."""
    text = re.sub(r"<[^>]+>|[\\*_`]", "", text)
    for mark, letter in (("&#39;", "'"), ("&#34;", '"'), ("&lt;", "<"), ("&gt;", ">")):
        text = text.replace(mark, letter)
    return " ".join(text.replace("&amp;", "&").split())


def test_the_machine_of_the_waits_is_named():
    text = sheet_as_markdown(sheet())
    assert "on a machine, 2 cores, with TensorFlow 2.21.0, on 2026-11-30" in text


def test_the_page_loads_nothing_and_escapes_what_it_shows():
    for lesson in catalogue():
        page = sheet_as_html(sheet("day", lesson.number))
        # MathML's namespace is a name, and nothing is loaded from it.
        page = page.replace("http://www.w3.org/1998/Math/MathML", "")
        assert not re.search(r"https?:|<script|@import|url\(", page)
        assert "default-src 'none'" in page
        assert page.count("<article>") == page.count("</article>")


def test_the_page_is_laid_out_for_paper():
    page = sheet_as_html(sheet())
    assert "@page { size: A4" in page
    assert "break-inside: avoid" in page
    # A browser repeats a table's foot on each page otherwise, here the end and the sums.
    assert "tfoot { display: table-row-group; }" in page


@pytest.mark.parametrize("slot", SLOTS)
def test_the_commands_to_run_before_the_class_exist(slot):
    commands = [check.command for check in checks_for(sheet(slot).plan)]
    assert commands[1].startswith("export DEPLOYWORKBOOK_SHARED_MODELS=")
    known = get_command(app)
    for command in [each for each in commands if each.startswith("deployworkbook ")]:
        words, found = command.split()[1:], known
        while hasattr(found, "commands"):
            found = found.commands[words.pop(0)]
        options = {option for parameter in found.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("lay_out", [sheet_as_markdown, sheet_as_html])
def test_a_wait_that_nobody_measured_is_a_question_mark(lay_out):
    waits = WAITS.with_lesson("06_pruning", {})
    made = make_run_sheet(make_plan(SLOTS["90"], ["05", "06"], waits))
    text = plain(lay_out(made))
    assert "This sheet may run over" in text
    assert "teach waits 05 06" in text
    unknown = [row for row in made.rows if not row.is_measured]
    assert {row.title[:2] for row in unknown} == {"06"}
    assert "+ ?" in text
    assert "This sheet may run over" not in lay_out(sheet("60"))


def test_exercises_have_the_numbers_that_learners_read():
    text = sheet_as_markdown(sheet("90", "05"))
    assert "05 · Exercise 3 (`quantization.per_channel`)" in text
    assert "**Exercise 3** (`quantization.per_channel`). Expected" in text


@pytest.mark.parametrize("lay_out", [sheet_as_markdown, sheet_as_html])
def test_the_open_tasks_are_told_whole(lay_out):
    text = lay_out(sheet("90", "05"))
    assert "05 Quantization." in text
    assert "smallest file" in text
    assert "the validation images" in text


def test_a_break_is_no_wait():
    text = sheet_as_markdown(sheet("180"))
    assert "*break: 15 minutes* | | | | |" in text
    assert "breaks included" in text
    assert "breaks included" not in sheet_as_markdown(sheet("60"))


@pytest.mark.parametrize("lay_out", [sheet_as_markdown, sheet_as_html])
def test_an_exercise_is_there_with_what_it_asks(lay_out):
    text = lay_out(sheet("90", "05"))
    assert "Write the affine form: real numbers in, integers out." in text
    assert "terms.md" not in text


@pytest.mark.parametrize("lesson", catalogue(), ids=lambda lesson: lesson.name)
def test_what_is_asked_begins_behind_its_number_and_its_minutes(lesson):
    tasks = exercise_tasks(lesson)
    checked = {name for section in sections_of(lesson) for name in section.exercises}
    assert tasks.keys() == checked
    for task in tasks.values():
        assert re.match(r"[A-Z]", task), task
        assert "](" not in task


def test_code_in_a_hint_is_set_as_code():
    said = "Return the scale before it: "
    assert f"{said}`return scale, zero_point`." in sheet_as_markdown(sheet("90", "05"))
    assert f"{said}<code>return scale, zero_point</code>." in sheet_as_html(sheet("90", "05"))
