"""A new version beside the old one.

- ``rollout``: labels move while clients ask.
- ``canary``: a share of the requests goes to the new version; ``comparison``: the verdict.
"""
