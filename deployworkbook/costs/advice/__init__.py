"""Which deployment to choose.

- ``advise``: the cheapest of every profile on every machine; ``result``: its result.
- ``model_size``: which machine for which model size. ``storing``: which storage for which use.
"""
