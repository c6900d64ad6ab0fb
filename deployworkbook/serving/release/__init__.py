"""Release a new version beside the old one.

- ``rollout``: moves labels while clients send requests.
- ``canary``: sends a share of the requests to the new version; ``comparison``: the verdict.
"""
