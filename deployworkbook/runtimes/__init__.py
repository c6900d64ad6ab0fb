"""Forms of the model that can be run, one file a platform, and the benchmark that measures them."""
