"""Answers of a class, collected with each learner's consent and judged again.

- ``pseudonyms``, ``submission``, ``sending``: what a learner hands in, under which name, and how.
"""
