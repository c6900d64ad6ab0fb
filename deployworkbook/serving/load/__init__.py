"""Send load to a server and measure it from outside.

- ``loops``: an open loop and a closed one.
- ``arrivals``: the arrival times of an open loop. ``target``: the server, and requests as bytes.
- ``engine``: sends the requests; ``process``: does so in a process of its own. ``result``: the
  latencies and errors.
"""
