"""Processes that tests start to work on a file at the same time."""

import multiprocessing

# Copies of one process that has loaded what all of them need: to start each anew takes most of
# their time. Modules of our own are left out, since it would look for them in the current folder.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["filelock", "numpy", "psutil", "sqlite3"])
