"""What to choose.

- ``advise``: every profile on every machine, and the cheapest that holds; ``result``: what it says.
- ``model_size``: which machine for which size of model. ``storing``: which storage for which use.
"""
