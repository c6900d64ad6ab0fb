"""What was measured: this machine, one measurement, and the book that keeps them all."""
