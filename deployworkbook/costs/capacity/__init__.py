"""How many replicas meet a latency objective, and how busy they are.

- ``replicas``: from queueing formulas.
- ``fleet``: replicas that come and go; ``autoscaler``: the rule that chooses their number;
  ``scaling``: a simulated day of both, with cold starts.
- ``check``: predicted and measured response times side by side.
"""
