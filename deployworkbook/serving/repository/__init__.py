"""The versions of a model on disk, as a server watches them.

- ``model_repository``: publishes, labels, withdraws.
- ``publishing``: a version's folder appears whole or not at all. ``published``: what a version
  says of itself.
- ``state``: the labels and numbers that the repository remembers.
"""
