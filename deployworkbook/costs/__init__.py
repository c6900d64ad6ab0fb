"""What a deployment costs per month: facts, assumptions, and the arithmetic.

Facts are prices with a source and a date; assumptions are unpublished figures with a range and a
reason; formulas are this package's functions. Each imports only from those above it:

- ``units``, ``money``: units by a name's suffix, and rounding to the cent.
- ``prices``: the catalogue, and the learner's own price files.
- ``capacity``: how many replicas meet a latency objective.
- ``estimation``: a month's cost of a workload on a deployment, in parts, and its uncertainty.
- ``advice``: the cheapest deployment that meets all objectives, and single choices.
- ``plan``: the advice as a page.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
