"""A class rehearsed: learners simulated against a hub, and what they would have waited for."""
