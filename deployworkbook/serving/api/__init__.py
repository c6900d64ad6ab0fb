"""The API's messages and a server's configuration, as plain values and as protobuf.

- ``codes``: error codes. ``types``: requests and answers as plain values.
- ``descriptions``, ``messages``: the API's protobuf messages. ``arrays``: tensors and NumPy.
- ``model_config``: the models to serve. ``version_folders``: versions on disk.
- ``addresses``: hosts and ports.
"""
