"""A learner's folder: where files live, how they are written, and results that are made once."""
