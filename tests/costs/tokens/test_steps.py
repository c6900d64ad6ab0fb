"""A step's modelled time, and what a simulation with it says of the modelled speed."""

import pytest

from deployworkbook.costs.prices.catalog_file import load_catalog
from deployworkbook.costs.tokens.advise import advise_tokens
from deployworkbook.costs.tokens.server import PRECISIONS, TokenServer
from deployworkbook.costs.tokens.speed import token_speed
from deployworkbook.costs.tokens.steps import token_step
from deployworkbook.costs.tokens.workload import TokenWorkload
from deployworkbook.formulas.token_batching import serve_continuous, serve_static
from deployworkbook.formulas.token_requests import random_requests

CATALOG = load_catalog()


@pytest.mark.parametrize("model", ["llama-3.1-8b", "mixtral-8x7b"])
@pytest.mark.parametrize("devices", [1, 4])
@pytest.mark.parametrize("bits", [16, 8, 4])
def test_a_step_is_that_of_the_speed(model, devices, bits):
    chip = CATALOG.accelerator("h100")
    for batch in (1, 24, 400):
        server = TokenServer(CATALOG.language_model(model), chip, devices, PRECISIONS[bits], batch)
        speed = token_speed(server, prompt_tokens=300, answer_tokens=101)
        step = token_step(server)
        # A prompt, half of an answer and the token itself, of each answer.
        assert step(batch, 351 * batch, 0) == pytest.approx(float(speed.step_s), rel=1e-6)


def test_the_advised_server_keeps_its_objectives_in_a_simulation():
    workload = TokenWorkload(10.0, first_token_objective_ms=500, between_tokens_objective_ms=60)
    best = advise_tokens(workload, ["llama-3.1-8b"]).best
    requests = random_requests(
        400, rate_per_s=10.0 / best.servers, prompt_tokens=500, answer_tokens=200, seed=1
    )
    served = serve_continuous(requests, token_step(best.server), slots=best.server.batch)
    assert served.between_tokens_s(99) <= best.between_tokens_s * 1.02
    assert served.first_token_wait_s(99) <= 0.5


def test_continuous_batching_gains_twice_the_tokens_on_modelled_devices():
    requests = random_requests(200, prompt_tokens=300, answer_tokens=100, seed=2)
    server = TokenServer(CATALOG.language_model("llama-3.1-8b"), CATALOG.accelerator("l4"))
    step = token_step(server)
    static = serve_static(requests, step, slots=32)
    continuous = serve_continuous(requests, step, slots=32, prompt_tokens_per_step=64)
    assert continuous.between_tokens_s(99) <= static.between_tokens_s(99)
    assert continuous.answer_tokens_per_s >= 2 * static.answer_tokens_per_s
