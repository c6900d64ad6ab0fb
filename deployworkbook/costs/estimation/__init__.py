"""A month's cost of a workload on a deployment.

- ``workload``: the requests. ``profile``: one variant in one runtime; ``from_ledger``: measured
  ones. ``deployment``: what serves the requests, and where.
- ``inputs``: all numbers that determine the cost; ``machines``: how many machines serve;
  ``parts``: the core computation, for numbers and arrays alike.
- ``model``: the core's results to the cent; ``breakdown``: its result type.
- ``curves``: the core along one input; ``uncertainty``: inputs drawn from their ranges.
"""
