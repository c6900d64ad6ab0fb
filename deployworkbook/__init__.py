"""A workbook on what it costs to deploy a machine-learning model, and how to pay less.

The layers, from the ground up; each imports only from those above it in this list:

- ``validation``: checks of arguments and the wording of their errors.
- ``telemetry``: libraries that report their use over the network, told not to.
- ``workspace``: where a learner's files live, how they are written, and results made once.
- ``formulas``: the equations, in NumPy alone; one idea per module, one equation per function.
- ``ledger``: what this machine is, what was measured on it, and the book of it all.
- ``costs``: what a deployment costs: prices with their sources, capacity, estimates, advice, plan.
- ``training``: the one model of the workbook and a small language model, data and training
  (TensorFlow).
- ``runtimes``: forms of the model that can be run, and the benchmark that measures them.
- ``compression``: techniques that make the model smaller, one per file.
- ``edge``: the model on a microcontroller: written as C and compiled.
- ``updates``: patches between versions, learning on after a drift, what that costs.
- ``serving``: TensorFlow Serving's API; ``serving.embedded`` is a server of it.
- ``monitoring``: a model in production, watched: alerts, records, drift.
- ``privacy``: what a model gives away: its training data, and itself; attacks, and what they cost.
- ``deployment_files``: what serves the published models elsewhere, by Docker and Kubernetes.
- ``plots``: results in, picture or table out.
- ``widgets``: explorers, which move a formula's arguments and draw its result.
- ``exercises``: questions, their checks, a learner's progress.
- ``jupyter``: the notebooks, and what they need to open.
- ``execution``: notebooks run without a browser, and their pages.
- ``teaching``: what a teacher needs: run sheets, copies with solutions, a class and its answers.
- ``commands``, ``cli``: the command ``deployworkbook``.

Most of these have a face: ``from deployworkbook.costs import estimate, load_catalog``. The stub
beside it (``__init__.pyi``) lists its names; they load when they are first used. ``formulas`` is
imported by its modules: ``from deployworkbook.formulas.losses import categorical_cross_entropy``.

Importing this package loads none of them.
"""

__version__ = "0.1.0"
