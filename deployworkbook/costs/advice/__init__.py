"""What to choose.

- ``advise``: every profile on every machine, and the cheapest that holds; ``advice``: its result.
- ``model_size``: which machine for which size of model. ``storing``: which storage for which use.
"""
