"""What a deployment costs per month: facts, assumptions, and the arithmetic.

Facts are prices with a source and a date; assumptions are unpublished figures with a range and a
reason; formulas are this package's functions. Each imports only from those above it:

- ``units``, ``money``: units by a name's suffix, and rounding to the cent.
- ``prices``: the catalogue, and the learner's own price files.
- ``capacity``: how many replicas meet a latency objective.
- ``estimation``: a month's cost of a workload on a deployment, in parts, and its uncertainty.
- ``advice``: the cheapest deployment that meets all objectives, and single choices.
- ``plan``: the advice as a page.
- ``tokens``: the same for language models: their speed on accelerators, USD per million tokens,
  an API's price, advice.

>>> from deployworkbook import costs
>>> traffic = {"daily_shape": costs.OFFICE_DAY, "weekly_shape": costs.WORK_WEEK}
>>> workload = costs.Workload(100, **traffic)
>>> mean_ms, scv = costs.mean_and_scv(1.0, 3.0)  # from the p50 and p99 in a ledger
>>> sizes = {"model_bytes": 4e5, "download_bytes": 3.7e5, "memory_bytes": 0.2 * costs.GIB}
>>> float32 = costs.Profile("float32", "litert", mean_ms, scv, 0.975, **sizes)
>>> deployment = costs.Deployment(float32, machine="c7g.large")
>>> bill = costs.estimate(workload, deployment)
>>> isinstance(bill, costs.CostBreakdown), bill.replicas_at_peak, sorted(bill.by_kind_usd)
(True, 2, ['compute', 'maintenance', 'network', 'storage'])

What if prices or assumptions are off?

>>> catalog = costs.load_catalog()
>>> isinstance(catalog, costs.Catalog), catalog.machine("c7g.large").memory_gib
(True, 4.0)
>>> spread = costs.simulate(workload, deployment, catalog, samples=100)
>>> swings = costs.tornado(workload, deployment, catalog)

Find the cheapest deployment, and write it down:

>>> advice = costs.advise(workload, [float32], accuracy_share=0.97)
>>> "litert" in costs.SERVED_RUNTIMES  # what ``servable=`` takes, for a plan to be carried out
True
>>> plan = costs.make_plan(advice, reference="float32")
>>> isinstance(plan, costs.DeploymentPlan)
True
>>> costs.plan_as_markdown(plan).startswith("#"), "<html" in costs.plan_as_html(plan)
(True, True)

With the profiles of your own ledger, and a plan in a folder:

    measured = costs.measured_in(Ledger().entries())
    int8 = costs.profile_named(measured, "int8-dynamic")
    costs.write_plan(plan, Path("plan"), workspace=current_workspace())

Questions of one part:

>>> costs.replicas_for(100.0, 0.02, latency_objective_s=0.1).replicas
4
>>> options = costs.storage_options(50 * costs.GB / costs.GIB)
>>> note = costs.price_note(machine="c7g.large")

What do a million tokens of a language model cost, and which machine writes them the cheapest?

>>> model, chip = catalog.language_model("llama-3.1-8b"), catalog.accelerator("l4")
>>> lengths = {"prompt_tokens": 500, "answer_tokens": 200}
>>> server = costs.TokenServer(model, chip, precision=costs.PRECISIONS[8], batch=16)
>>> speed = costs.token_speed(server, **lengths)
>>> bill = costs.token_bill(server, utilisation_share=0.6, **lengths)
>>> isinstance(speed, costs.TokenSpeed), isinstance(bill, costs.TokenBill)
(True, True)
>>> even = [costs.break_even(bill, price) for price in costs.prices_of("llama-3.1-8b")]
>>> tokens = costs.advise_tokens(costs.TokenWorkload(2.0, **lengths), ["llama-3.1-8b"])
>>> isinstance(tokens, costs.TokenAdvice), tokens.best.machine.name
(True, 'g6e.xlarge')
>>> costs.token_plan_as_markdown(tokens).startswith("#")
True
>>> "<html" in costs.token_plan_as_html(tokens)
True
>>> f"{costs.typical_error(costs.check_against_published()):.0%} off, typically"
'10% off, typically'
>>> step = costs.token_step(server)  # for simulations of batching
>>> step(16, 9600, 512) > step(16, 9600, 0)
True

``compare_with_measured`` holds such a prediction against a load that was measured.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
