"""How many replicas hold a latency objective, and what they do meanwhile.

- ``replicas``: by the formulas of queues.
- ``fleet``: replicas that serve in turn; ``autoscaler``: the rule that chooses their number;
  ``scaling``: a day of both, with cold starts.
- ``check``: predicted and measured response times side by side.
"""
