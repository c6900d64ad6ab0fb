"""Signed versions: who published a version, and whether any bit of it has changed since.

- ``keys``: a publisher's key pair (Ed25519), made and read.
- ``manifest``: a version's files with their hashes, signed; checked before anything is opened.
"""
