"""Results in, picture out: nothing here computes, trains or reads a file."""
