"""Answers of a class, handed in by choice and judged again.

- ``pseudonyms``, ``submission``, ``sending``: what a learner hands in, under which name, and how.
- ``reading``: a folder of submissions, read without trust.
- ``confinement``, ``worker``, ``calling``: learners' functions, called in a process that knows no
  right answer and reaches nothing; only numbers come back.
- ``batch``, ``report``: these numbers judged, and what a teacher reads of them.
"""
