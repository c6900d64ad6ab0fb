"""Start a server of the API in a process of its own.

- ``starting``: starts one.
- ``backends``: TensorFlow Serving's binary, its container or the embedded server, and their flags.
- ``running``: a server that was started. ``guard``: stops it when its parent has died.
- ``web_app``: runs a web app of one's own in the same way, to compare.
"""
