"""A workbook on what it costs to deploy a machine-learning model, and how to pay less.

The layers, from the ground up; each imports only from those above it in this list:

- ``validation``: checks of arguments and the wording of their errors.
- ``formulas``: the equations, in NumPy alone; one module an idea, one function an equation.
- ``workspace``, ``machine``, ``cache``, ``ledger``: where a learner's files live, what this machine
  is, how results and measurements are kept.
- ``training``: the one model of the workbook, its data and its training (TensorFlow).
- ``runtimes``: forms of the model that can be run, and the benchmark that measures them.
- ``plots``, ``tables``: results in, picture or table out.
- ``lessons``, ``kernels``, ``lab``, ``doctor``: the notebooks, and what they need to open.
- ``execution``, ``headless``: notebooks run without a browser, and their pages.
- ``cli``: the command ``deployworkbook``.

Importing this package loads none of them.
"""

__version__ = "0.1.0"
