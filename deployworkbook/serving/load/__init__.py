"""Load on a server, measured from outside.

- ``loops``: an open loop, a closed one, and a curve.
- ``arrivals``: the moments of an open loop. ``target``: where to send what, in bytes.
- ``engine``: sends the requests; ``process``: in a process of its own. ``result``: what came back.
"""
