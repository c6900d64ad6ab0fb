"""Certificates and tokens, for servers and clients alike.

- ``authority``, ``certificates``: make certificates, for a lesson or an intranet.
- ``described``: what a certificate says, in words.
- ``trust``: whom a client trusts.
- ``tokens``: bearer tokens.
"""
