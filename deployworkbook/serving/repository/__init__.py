"""A model's versions on disk, as a server watches them.

- ``model_repository``: publishes, labels and withdraws versions.
- ``publishing``: writes a version's folder, completely or not at all. ``published``: a version and
  its record. ``interface``: the names of its inputs and outputs.
- ``state``: the labels and numbers that the repository remembers.
"""
