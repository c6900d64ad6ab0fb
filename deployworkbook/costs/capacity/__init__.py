"""How many replicas meet a latency objective, and how busy they are.

- ``replicas``: from queueing formulas.
- ``check``: predicted and measured response times side by side.
"""
