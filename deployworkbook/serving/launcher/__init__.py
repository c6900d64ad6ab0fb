"""A server of the API in a process of its own.

- ``starting``: starts one.
- ``backends``: TensorFlow Serving's binary, its container or the embedded server, and their flags.
- ``server_files``: the files that flags name.
- ``running``: a server that was started. ``guard``: ends it when who started it is gone.
"""
