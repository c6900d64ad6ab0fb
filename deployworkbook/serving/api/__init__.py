"""What the API carries, and what a server reads, in plain values and in protobuf.

- ``codes``: how a request ends. ``types``: what clients ask and are answered.
- ``descriptions``, ``messages``: the API's protobuf messages. ``arrays``: tensors in them.
- ``model_config``: the file of served models. ``version_folders``: the folders of versions.
- ``addresses``: hosts and ports.
"""
