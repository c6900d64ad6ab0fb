"""A class on one server: accounts, seats with limits, and the files that start a JupyterHub."""
