"""Waits that no machine has measured, so that plans don't depend on one."""

from deployworkbook.jupyter.lessons import catalogue
from deployworkbook.jupyter.sections import sections_of
from deployworkbook.teaching.waits import Wait, Waits


def alike(warm_s=12.0, cold_s=60.0, *, busy=False, pace_s=0.1):
    """Every section with code takes equally long."""
    lessons = {
        lesson.name: {
            section.title: Wait(*(each * _has_code(section) for each in (warm_s, cold_s)), *paces)
            for section in sections_of(lesson)
        }
        for lesson in catalogue()
        for paces in [(pace_s, pace_s)]
    }
    return Waits("a machine, 2 cores", "2.21.0", "2026-11-30", "digits", busy, lessons)


def _has_code(section):
    return any(cell["cell_type"] == "code" for cell in section.cells)
