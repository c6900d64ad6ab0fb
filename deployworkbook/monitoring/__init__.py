"""A model in production, watched.

- ``counting``, ``objectives``: PromQL that counts from the first event on, and alerts from an
  objective; ``objective_scenes`` says what they must do.
- ``rule_files``, ``alertmanager``: the files that Prometheus, promtool and Alertmanager read.
"""
