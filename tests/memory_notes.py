"""A kernel notes what it holds after each cell."""

# What a kernel runs as it starts: it notes, after each cell, how much memory the kernel holds. No
# name is left that a lesson could use by mistake.
NOTE_MEMORY = """
def begin():
    import json, os, pathlib, sys
    import psutil

    notes = pathlib.Path(os.environ["IPYTHONDIR"]) / "memory.jsonl"

    def note(result):
        row = {
            "source": result.info.raw_cell,
            "megabytes": psutil.Process().memory_info().rss / 1e6,
            "tensorflow": "tensorflow" in sys.modules,
        }
        with notes.open("a") as file:
            file.write(json.dumps(row) + "\\n")

    get_ipython().events.register("post_run_cell", note)

begin()
del begin
"""
