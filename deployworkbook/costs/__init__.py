"""What a deployment costs a month: facts, assumptions, and the arithmetic.

Facts are prices with a source and a date; assumptions are figures that nobody published, with a
range and a reason; formulas are this package's functions. Each imports only from those above it:

- ``units``, ``money``: what a name's suffix says, and the cent.
- ``prices``: the catalogue, and files of the learner's own.
- ``capacity``: how many replicas hold a latency objective.
- ``estimate``: a workload on a deployment, a month of it in parts, and how sure that is.
- ``advice``: the cheapest deployment that holds all objectives, and single choices.
- ``plan``: the advice as a page.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
