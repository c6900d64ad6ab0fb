"""The sections of the lessons, and what a teacher plans with."""

import re

import pytest

from deployworkbook.exercises.registry import EXERCISES, PREDICTIONS
from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.jupyter.sections import exercise_titles, sections_of, source_of

LESSONS = catalogue()


@pytest.fixture(params=LESSONS, ids=lambda lesson: lesson.name)
def lesson(request):
    return request.param


def test_every_section_says_how_long_it_takes_and_whether_it_is_the_core(lesson):
    for section in sections_of(lesson):
        about = section.cells[0]["metadata"]["deployworkbook"]
        assert set(about["minutes"]) == {"talk", "exercise", "discussion"}, section.title
        assert isinstance(about["core"], bool)
        assert min(about["minutes"].values()) >= 0


def test_every_heading_begins_a_section(lesson):
    for section in sections_of(lesson):
        for cell in section.cells:
            if cell["cell_type"] == "markdown":
                assert "\n## " not in source_of(cell)


def test_exercises_have_the_time_that_the_lesson_promises_and_predictions_have_some(lesson):
    for section in sections_of(lesson):
        promised = section.exercise_minutes
        assert list(promised) == list(section.exercises)
        assert section.minutes.exercise >= sum(promised.values()), section.title
        assert section.minutes.discussion >= bool(section.predictions), section.title


def test_the_sections_add_up_to_the_minutes_of_their_lesson(lesson):
    minutes = sum(s.minutes.total for s in sections_of(lesson) if not s.is_optional)
    assert minutes == pytest.approx(lesson.minutes, abs=3)


def test_a_teacher_has_something_to_say_in_whole_sentences(lesson):
    for section in sections_of(lesson):
        assert section.say or section.minutes.total <= 1, section.title
        assert not section.say or re.fullmatch(r"[A-Z].*[.?]", section.say)


def test_every_exercise_and_prediction_is_in_one_section():
    sections = [section for lesson in LESSONS for section in sections_of(lesson)]
    exercises = [name for section in sections for name in section.exercises]
    predictions = [name for section in sections for name in section.predictions]
    assert sorted(exercises) == sorted(EXERCISES)
    assert sorted(predictions) == sorted(PREDICTIONS)


def test_exercises_are_called_what_the_lesson_calls_them(lesson):
    titles = exercise_titles(lesson)
    asked = [each.id for each in EXERCISES.values() if each.lesson == lesson.name]
    numbered = [] if lesson.number == "00" else asked
    assert set(titles) == set(numbered)
    assert sorted(titles.values()) == [f"Exercise {n}" for n in range(1, len(numbered) + 1)]
