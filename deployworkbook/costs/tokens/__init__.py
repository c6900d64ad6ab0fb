"""What tokens of a language model cost: on accelerators of one's own, and from an API.

- ``server``: a model on devices; ``speed``: how fast it reads and writes (modelled).
- ``steps``: the same for one step at a time, for ``formulas.token_batching``.
- ``bill``: USD and energy per million tokens. ``api``: an API's prices, and the break-even.
- ``published``: the model of speed against published measurements.
- ``workload``, ``advise``, ``advice``: the cheapest server that meets all objectives.
- ``page``: this advice on one page.
"""
