"""Clients of any server of the API.

- ``connecting``: the client for an address.
- ``base``: what all clients do alike; ``grpc``, ``rest``: the two that carry it.
- ``errors``, ``unreachable``, ``remedies``: what went wrong, and what to do about it.
- ``relay``: counts the bytes on the way.
"""
