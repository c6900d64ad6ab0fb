"""What a deployment costs: facts, assumptions and arithmetic, each in its own place."""
