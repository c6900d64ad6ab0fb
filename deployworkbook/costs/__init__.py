"""What a deployment costs a month: facts (``catalog.toml``), assumptions, and the arithmetic.

Facts are prices with a source and a date; assumptions are figures that nobody published, with a
range and a reason; formulas are this package's functions. The one core (``parts``) works on numbers
and on arrays alike: ``model`` rounds it to the cent, ``uncertainty`` draws its inputs from ranges,
``advise`` gives it every combination at once.
"""
