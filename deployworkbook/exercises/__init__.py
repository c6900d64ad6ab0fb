"""Exercises: their questions, checks that diagnose, hints, reference answers, progress.

A lesson's exercises are a module of declarations; ``catalogue`` lists them. In a notebook::

    from deployworkbook.exercises import check

    check("losses.mean", answer)
"""

from deployworkbook.exercises.checking import check

__all__ = ["check"]
