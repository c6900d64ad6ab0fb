"""Exercises: their questions, checks that diagnose, hints, reference answers, progress.

A lesson's exercises are a module of declarations; ``registry`` lists them. In a notebook::

    from deployworkbook.exercises import check

    check("losses.mean", answer)

``predict("quantization.bit")`` asks for a guess before a result is shown, and
``summary(current_workspace())`` says what is solved:

    from deployworkbook.exercises import predict, summary

    guess = predict("quantization.bit")
    for row in summary(current_workspace()):
        print(row.lesson, row.solved, row.total)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
