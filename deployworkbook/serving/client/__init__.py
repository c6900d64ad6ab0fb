"""Clients for any server of the API.

- ``connecting``: makes the client for an address.
- ``base``: what both clients share; ``grpc``, ``rest``: the two of them.
- ``errors``, ``unreachable``, ``tls_faults``, ``remedies``: what went wrong, and how to fix it.
- ``relay``: counts the bytes sent and received.
"""
