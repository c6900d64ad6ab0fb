"""Which deployment to choose.

- ``advise``: the cheapest of every profile on every machine; ``result``: its result.
- ``storing``: which storage for which use.
"""
