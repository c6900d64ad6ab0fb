"""Plans fit into their slots, begin with the core, and run what later cells need."""

import pytest

from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.teaching.planning import Step, make_plan
from deployworkbook.teaching.slots import SLOTS
from deployworkbook.teaching.topics import topics
from deployworkbook.teaching.waits import shipped_waits
from tests.teaching.waits import alike

WAITS = alike()
SLOT = pytest.mark.parametrize("slot", SLOTS.values(), ids=SLOTS)


def plan(slot, *names, waits=WAITS, is_warm=True):
    return make_plan(SLOTS[slot], names, waits, is_warm=is_warm)


@SLOT
@pytest.mark.parametrize("topic", [None, *(lesson.number for lesson in catalogue())])
def test_a_plan_fills_at_most_nine_tenths_of_its_slot(slot, topic):
    chosen = [topic] if topic else []
    for is_warm in (True, False):
        made = make_plan(slot, chosen, WAITS, is_warm=is_warm)
        assert made.minutes <= 0.9 * slot.minutes
        assert any(step.section.exercises or step.section.predictions for step in made.steps)


@SLOT
def test_the_usual_plan_has_all_of_its_lessons_and_no_long_gap(slot):
    made = make_plan(slot, [], alike(0, 0))
    assert made.left_out == ()
    assert made.minutes >= 0.8 * slot.minutes


@SLOT
def test_the_usual_plan_leaves_out_no_core_section(slot):
    assert make_plan(slot, [], shipped_waits()).dropped == ()


@SLOT
def test_lessons_and_their_sections_come_in_order(slot):
    made = make_plan(slot, [], WAITS)
    for lesson in made.lessons:
        places = [step.section.place for step in made.steps if step.section.lesson == lesson]
        assert places == sorted(set(places))
    order = [step.section.lesson for step in made.steps]
    assert list(dict.fromkeys(order)) == list(made.lessons)


def test_the_core_goes_first():
    steps = plan("60", "quantization", waits=alike(0, 0)).steps
    left_out = [step.section for step in steps if not step.is_taught and step.section.is_core]
    assert left_out == []
    assert steps[0].section.title == "Parameters"
    assert steps[-1].section.title == "What you have learnt"


def test_every_topic_gets_its_beginning():
    made = plan("90", "quantization", "serving")
    assert [lesson.number for lesson in made.lessons] == ["05", "10"]


def test_a_lesson_for_which_there_is_no_time_is_named():
    made = plan("60", *(lesson.number for lesson in catalogue()))
    assert made.left_out
    assert set(made.lessons) | set(made.left_out) == set(catalogue())


def test_what_later_cells_need_is_run_and_waited_for():
    steps = plan("60", "costs", waits=alike(31, 31)).steps
    (run_only,) = [step for step in steps if step.section.title.startswith("3.")]
    assert not run_only.is_taught
    assert run_only.minutes == run_only.wait_minutes == 1.0


def test_optional_sections_come_last_of_all():
    made = plan("day", "serving")
    optional = [step for step in made.steps if step.section.is_optional]
    assert optional
    titles = {step.section.title for step in made.steps if step.is_taught}
    assert {"3. gRPC or REST, and what they cost", "Tidy up"} <= titles


def test_servers_are_tidied_up_even_if_optional_sections_are_left_out():
    steps = plan("60", "serving", waits=alike(45, 45)).steps
    assert steps[-2].section.title == "Tidy up"
    assert all(step.is_taught for step in steps if step.section.is_optional)


@pytest.mark.parametrize(
    ("slot", "names"), [("180", ["break"]), ("day", ["break", "lunch", "break"])]
)
def test_long_workshops_have_breaks_between_sections(slot, names):
    items = plan(slot).items
    pauses = [place for place, item in enumerate(items) if not isinstance(item, Step)]
    assert [items[place].name for place in pauses] == names
    for before, after in zip([0, *pauses], [*pauses, len(items)], strict=True):
        assert 20 <= sum(item.minutes for item in items[before:after]) <= 150
        assert items[before + 1].section.title != "What you have learnt"


def test_short_waits_belong_to_the_talk_and_others_are_rounded_up():
    section = plan("60").steps[0].section
    minutes = [Step(section, False, wait_s).wait_minutes for wait_s in (0, 9.9, 10, 30, 31, 61)]
    assert minutes == [0, 0, 0.5, 0.5, 1.0, 1.5]


def test_waits_beside_other_programs_are_scaled_to_a_quiet_machine():
    section = plan("60").steps[0].section
    quiet = alike(10, 20).lessons["00_start_here"]
    busy = alike(10, 20, busy=True, pace_s=0.4).with_lesson("00_start_here", quiet)
    assert busy.quiet_pace_s == 0.1
    assert busy.seconds(section) == pytest.approx(2.5)
    assert busy.seconds(section, is_warm=False) == pytest.approx(5)
    assert alike(10, 20, pace_s=0.4).seconds(section) == 10


def test_lessons_without_a_measured_wait_are_named():
    made = plan("60", "costs", waits=WAITS.with_lesson("01_deployment_cost", {}))
    assert [lesson.number for lesson in made.unmeasured] == ["01"]


def test_a_misspelt_topic_gets_a_suggestion():
    with pytest.raises(ValueError, match=r"Did you mean quantization\?"):
        plan("60", "quantisation")
    assert topics()["privacy"] == topics()["15"]


def test_a_slot_that_nothing_fits_into_says_so():
    with pytest.raises(ValueError, match="Choose a longer slot, or preload"):
        plan("60", "quantization", waits=alike(4000, 4000))


@SLOT
@pytest.mark.parametrize("names", [("quantization", "pruning"), ("04", "06", "10")])
def test_nothing_but_core_follows_a_core_section_that_was_left_out(slot, names):
    made = make_plan(slot, names, alike(0, 0))
    for step in made.steps:
        if step.is_taught and not step.section.is_core:
            before = [
                core
                for core in made.dropped
                if core.lesson == step.section.lesson and core.place < step.section.place
            ]
            assert before == []


def test_core_sections_of_all_topics_go_before_others():
    made = plan("90", "quantization", "pruning", waits=alike(0, 0))
    assert [section.title for section in made.dropped if section.lesson.number == "05"] == []
    assert made.dropped
    assert all(step.section.is_core for step in made.steps if step.is_taught)


def test_a_number_needs_no_leading_zero():
    assert plan("60", "5").lessons == plan("60", "05").lessons
