"""How a plan's choice is served: the commands, here and elsewhere."""

from __future__ import annotations

import math

from deployworkbook.costs.advice.advise import SERVED_RUNTIMES
from deployworkbook.costs.plan.making import DeploymentPlan
from deployworkbook.costs.units import MIB

# ``deploy-files`` gives a server no less.
LEAST_MIB = 1024


def serving_commands(plan: DeploymentPlan) -> tuple[str, ...]:
    """Return the commands that serve exactly the plan's form; none if no server takes it.

    They are run in the workspace's folder: publish the form as a model of its own, serve it on this
    machine, and write the files that serve it elsewhere.

    Args:
        plan: As ``make_plan`` makes it.
    """
    profile = plan.choice.profile
    if plan.deployment.devices or profile.runtime not in SERVED_RUNTIMES:
        return ()
    form = "" if profile.runtime == "savedmodel" else f" --runtime {profile.runtime}"
    # Each form is a model of its own, so that no version of another form is served in its place.
    name = f"{profile.variant}-{profile.runtime}" if form else profile.variant
    litert = " --prefer_tflite_model" if profile.runtime == "litert" else ""
    share = plan.advice.catalog.value("memory_limit_share")
    memory = max(LEAST_MIB, math.ceil(profile.memory_bytes / share / MIB))
    return (
        f"deployworkbook publish {profile.variant}{form}",
        f'deployworkbook serve --model_name={name} --model_base_path="$PWD/published/{name}" '
        f"--port=8500 --rest_api_port=8501{litert}",
        f"deployworkbook deploy-files deploy --model {name} "
        f"--cpus {plan.choice.machine.vcpus} --memory {memory}",
    )
