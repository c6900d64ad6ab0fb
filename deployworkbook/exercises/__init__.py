"""Exercises: their questions, checks that diagnose, hints, reference answers, progress.

A lesson's exercises are a module of declarations; ``catalogue`` lists them. In a notebook::

    from deployworkbook.exercises import check

    check("losses.mean", answer)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
