"""A workbook on what it costs to deploy a machine-learning model, and how to pay less.

The layers, from the ground up; each imports only what stands above it in this list:

- ``validation``: checks of arguments and the wording of their errors.
- ``formulas``: the equations, in NumPy alone; one module an idea, one function an equation.
- ``workspace``, ``cache``, ``ledger``: where a learner's files live, how results are kept.
- ``training``: the one model of the workbook, its data and its training (TensorFlow).
- ``runtimes``: forms of the model that can be run, and the benchmark that measures them.
- ``plots``: results in, picture out.
- ``lessons``, ``kernels``, ``execution``, ``doctor``: the notebooks and what runs them.
- ``cli``: the command ``deployworkbook``.

Importing this package loads none of them.
"""

__version__ = "0.1.0"
