"""A workbook on what it costs to deploy a machine-learning model, and how to pay less.

The layers, from the ground up; each imports only from those above it in this list:

- ``validation``: checks of arguments and the wording of their errors.
- ``formulas``: the equations, in NumPy alone; one module an idea, one function an equation.
- ``costs``: what a deployment costs: prices with their sources, assumptions, and the arithmetic.
- ``workspace``, ``cache``: where a learner's files live, and results that are made once.
- ``plan_files``: a deployment plan's pages in a folder.
- ``machine``, ``measurement``, ``ledger``: what this machine is, what was measured on it, and the
  book of it all.
- ``telemetry``: libraries that report their use over the network, told not to.
- ``training``: the one model of the workbook, its data and its training (TensorFlow).
- ``runtimes``: forms of the model that can be run, and the benchmark that measures them.
- ``compression``: techniques that make the model smaller, one a file.
- ``serving``: TensorFlow Serving's API; ``serving.embedded`` is a server of it.
- ``deployment_files``: what serves the published models elsewhere, by Docker and Kubernetes.
- ``plots``, ``tables``: results in, picture or table out.
- ``widgets``: explorers, which move a formula's arguments and draw its result.
- ``exercises``: their questions, their checks, a learner's progress.
- ``lessons``, ``kernels``, ``websocket``, ``lab_log``, ``lab``, ``doctor``: the notebooks, and what
  they need to open.
- ``execution``, ``headless``: notebooks run without a browser, and their pages.
- ``sweeping``: a sweep of compressions, told in the terminal.
- ``commands``, ``cli``: the command ``deployworkbook``.

Importing this package loads none of them.
"""

__version__ = "0.1.0"
