"""A month's cost of a workload on a deployment.

- ``workload``: what is asked. ``profile``: one variant in one runtime; ``from_ledger``: measured.
  ``deployment``: what serves it, and where.
- ``inputs``: all numbers that the cost follows from; ``machines``: how many of them serve;
  ``parts``: the one core, for numbers and arrays alike.
- ``model``: the core's figures to the cent; ``breakdown``: its result.
- ``curves``: the core along one input; ``uncertainty``: its inputs drawn from their ranges.
"""
