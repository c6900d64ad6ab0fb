"""Start a server of the API in a process of its own.

- ``starting``: starts one.
- ``backends``: TensorFlow Serving's binary, its container or the embedded server, and their flags.
- ``owned_process``: a process that ends with this one. ``guard``: stops it when its parent has
  died.
- ``running``: a server that was started.
- ``web_app``: runs a web app of one's own in the same way, to compare.
"""
