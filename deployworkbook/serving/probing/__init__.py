"""Tests of a deployed model from outside: what a client gets, compared with the release.

- ``golden``: images whose answers are known, as a file.
- ``checks``: ask a server, and compare; needs nothing but Python, so it also runs by itself.
- ``recording``: choose the images, and ask the released model for its answers.
"""
