"""Answers of a class, handed in by choice and judged again.

- ``pseudonyms``, ``submission``, ``sending``: what a learner hands in, under which name, and how.
- ``reading``: a folder of submissions, read without trust.
- ``confinement``, ``worker``, ``calling``: learners' functions, called in a process that knows no
  right answer and reaches nothing; only numbers come back, or a word for how a call failed.
- ``batch``, ``results``: these numbers judged, by learner and by exercise.
- ``reasons``, ``wrong``, ``report``: what a teacher reads of them.
"""
