"""A month's cost of a workload on a deployment.

- ``workload``: the requests. ``profile``: one variant in one runtime; ``from_ledger``: measured
  ones. ``deployment``: what serves the requests, and where.
- ``record``: all numbers that determine the cost; ``inputs``: collects them.
- ``machines``: how many machines serve; ``functions``: the same for serverless functions.
- ``compute_lines``, ``storage_lines``, ``network_lines``, ``maintenance_lines``: the lines of a
  bill (``bill_line``) by kind, with their formulas; ``parts``: the core computation of all of
  them, for numbers and arrays alike. ``notes``: the assumptions and sources that they use.
- ``model``: the core's results to the cent; ``breakdown``: its result type.
- ``curves``: the core along one input; ``uncertainty``: inputs drawn from their ranges.
"""
