"""Static and continuous batching: by hand, against a simulation token by token, and in general."""

import numpy as np
import pytest

from deployworkbook.formulas.token_batching import LinearStep, serve_continuous, serve_static
from deployworkbook.formulas.token_requests import TokenRequests, random_requests

A_SECOND = LinearStep(1.0, 0.0, 0.0, 0.0)
STEP = LinearStep(8e-3, 0.05e-3, 0.05e-6, 0.03e-3)


def token_by_token(requests, step, slots, budget):
    """Simulate continuous batching with a list of slots: slow, and without any bookkeeping."""
    waiting = list(range(len(requests)))
    holds = [None] * slots  # per slot: request, prompt tokens left, tokens written
    now, first, ended = 0.0, {}, {}
    while waiting or any(holds):
        if not any(holds):
            now = max(now, requests.arrivals_s[waiting[0]])
        for slot in range(slots):
            if holds[slot] is None and waiting and requests.arrivals_s[waiting[0]] <= now:
                number = waiting.pop(0)
                holds[slot] = [number, int(requests.prompt_tokens[number]), 0]
        going = [each for each in holds if each and each[1] == 0]
        cached = sum(int(requests.prompt_tokens[number]) + done for number, _, done in going)
        left = budget
        for each in sorted((each for each in holds if each and each[1]), key=lambda one: one[0]):
            piece = min(left, each[1])
            each[1] -= piece
            left -= piece
            if piece and each[1] == 0:
                each[2] = 1
                first[each[0]] = None
        now += step(len(going), cached, budget - left)
        for each in going:
            each[2] += 1
        for slot, each in enumerate(holds):
            if each and first.get(each[0], 0) is None:
                first[each[0]] = now
            if each and each[2] == requests.answer_tokens[each[0]]:
                ended[each[0]] = now
                holds[slot] = None
    return [first[k] for k in sorted(first)], [ended[k] for k in sorted(ended)]


@pytest.mark.parametrize("rate", [np.inf, 4.0, 0.5])
@pytest.mark.parametrize(("slots", "budget"), [(1, 7), (3, 16), (5, 4096)])
def test_continuous_batching_equals_a_simulation_token_by_token(rate, slots, budget):
    drawn = random_requests(25, rate_per_s=rate, prompt_tokens=30, answer_tokens=8, seed=slots)
    served = serve_continuous(drawn, STEP, slots=slots, prompt_tokens_per_step=budget)
    first, ended = token_by_token(drawn, STEP, slots, budget)
    np.testing.assert_allclose(served.first_token_s, first, rtol=1e-12)
    np.testing.assert_allclose(served.ended_s, ended, rtol=1e-12)


def test_static_batches_by_hand():
    # Steps of 1 s, plus 0.1 per answer, 0.01 per cached token, 0.001 per token of a prompt.
    step = LinearStep(1.0, 0.1, 0.01, 0.001)
    requests = TokenRequests([0, 0, 0.5], [10, 20, 30], [1, 3, 2])
    served = serve_static(requests, step, slots=2)
    # The prompts: 1.03. Two answers read 32 tokens, then 34: 1.52 and 1.54.
    np.testing.assert_allclose(served.step_s[:3], [1.03, 1.52, 1.54])
    # Only the second is still written by then; the first has its one token from the prompt.
    np.testing.assert_array_equal(served.step_tokens[:3], [0, 1, 1])
    np.testing.assert_allclose(served.ended_s[:2], [1.03, 4.09])
    np.testing.assert_allclose(served.released_s[:2], [4.09, 4.09])
    # The third starts when the batch has ended: 1.03, then 1.1 + 0.31.
    np.testing.assert_allclose(served.started_s[2], 4.09)
    np.testing.assert_allclose(served.ended_s[2], 4.09 + 1.03 + 1.41)
    assert served.slot.tolist() == [0, 1, 0]


def test_an_idle_server_waits_for_the_next_request():
    requests = TokenRequests([2.0, 100.0], [5, 5], [2, 2])
    for serve in (serve_static, serve_continuous):
        served = serve(requests, A_SECOND, slots=4)
        np.testing.assert_allclose(served.first_token_s, [3.0, 101.0])
        np.testing.assert_allclose(served.ended_s, [4.0, 102.0])
        assert served.seconds == 100.0
        assert served.first_token_wait_s(50) == 1.0


def test_times_between_tokens_count_by_the_tokens_that_waited():
    # Three answers of two tokens: their second ones share a step of 1.3 s.
    served = serve_static(
        TokenRequests([0] * 3, [1] * 3, [2] * 3), LinearStep(1, 0.1, 0, 0), slots=3
    )
    assert served.between_tokens_s(1) == served.between_tokens_s(100) == pytest.approx(1.3)
    single = serve_continuous(TokenRequests([0], [5], [1]), A_SECOND, slots=1)
    assert single.between_tokens_s() == 0.0


@pytest.mark.parametrize("serve", [serve_static, serve_continuous])
def test_every_request_is_served_once_and_slots_hold_one_at_a_time(serve):
    requests = random_requests(80, rate_per_s=6.0, prompt_tokens=60, answer_tokens=20, seed=3)
    served = serve(requests, STEP, slots=6)
    assert (served.started_s >= requests.arrivals_s).all()
    assert (served.first_token_s > served.started_s).all()
    assert (served.ended_s >= served.first_token_s).all()
    assert (served.released_s >= served.ended_s).all()
    # Each answer's first token comes from its prompt's step, and all others from steps of answers.
    assert served.step_tokens.sum() == requests.total_answer_tokens - len(requests)
    assert set(served.slot.tolist()) <= set(range(6))
    for slot in range(6):
        mine = np.flatnonzero(served.slot == slot)
        mine = mine[np.argsort(served.started_s[mine])]
        assert (served.started_s[mine][1:] >= served.released_s[mine][:-1]).all()
    assert 0 < served.busy_slots_share <= 1


def test_equal_lengths_leave_little_to_gain():
    requests = random_requests(64, prompt_tokens=50, answer_tokens=40, spread=0)
    static = serve_static(requests, STEP, slots=16)
    continuous = serve_continuous(requests, STEP, slots=16, prompt_tokens_per_step=50 * 16)
    assert continuous.seconds == pytest.approx(static.seconds, rel=0.05)


def test_continuous_batching_gains_twice_the_tokens_at_the_same_p99_between_tokens():
    requests = random_requests(300, prompt_tokens=300, answer_tokens=100, seed=1)
    static = serve_static(requests, STEP, slots=48)
    continuous = serve_continuous(requests, STEP, slots=48, prompt_tokens_per_step=64)
    assert continuous.between_tokens_s(99) <= static.between_tokens_s(99)
    assert continuous.answer_tokens_per_s >= 2 * static.answer_tokens_per_s


@pytest.mark.parametrize(
    # Where a token of a prompt costs as much as one of an answer, as on processors without a GPU.
    ("answer_s", "prompt_token_s"),
    [(1.0e-3, 0.8e-3), (0.6e-3, 0.8e-3), (1.5e-3, 1.5e-3)],
)
def test_a_limit_of_the_step_keeps_statics_p99_with_twice_its_tokens(answer_s, prompt_token_s):
    step = LinearStep(11e-3, answer_s, 0.0, prompt_token_s)
    requests = random_requests(300, prompt_tokens=32, answer_tokens=64)
    static = serve_static(requests, step, slots=16)
    objective = static.between_tokens_s(99)
    whole = serve_continuous(requests, step, slots=16)
    limited = serve_continuous(requests, step, slots=16, step_limit_s=objective)
    assert whole.between_tokens_s(99) > 2 * objective
    assert limited.between_tokens_s(99) <= objective * (1 + 1e-12)
    assert limited.answer_tokens_per_s >= 2 * static.answer_tokens_per_s
    # The limit costs tokens, and no step that could read more of a prompt reads less.
    assert limited.answer_tokens_per_s < whole.answer_tokens_per_s
    assert limited.step_tokens.sum() == requests.total_answer_tokens - len(requests)


def test_a_limit_by_hand():
    # 1 s, and 0.1 for each answer and each token of a prompt. Two requests, two slots, 1.35 s.
    step = LinearStep(1.0, 0.1, 0.0, 0.1)
    requests = TokenRequests([0, 0], [5, 4], [4, 2])
    served = serve_continuous(requests, step, slots=2, step_limit_s=1.35)
    # 3 tokens of a prompt; its other 2 and 1 of the next; beside an answer 2; the last one.
    np.testing.assert_allclose(served.step_s, [1.3, 1.3, 1.3, 1.2, 1.2])
    np.testing.assert_allclose(served.first_token_s, [2.6, 5.1])
    # A limit that nothing keeps: alone, one token at a time.
    slow = serve_continuous(requests, step, slots=2, step_limit_s=0.5)
    np.testing.assert_allclose(slow.step_s[:5], [1.1] * 5)
    with pytest.raises(ValueError, match="step_limit_s"):
        serve_continuous(requests, step, slots=2, step_limit_s=0.0)


def test_fewer_prompt_tokens_per_step_trade_the_first_token_for_the_others():
    requests = random_requests(60, rate_per_s=3.0, prompt_tokens=800, answer_tokens=60, seed=2)
    small = serve_continuous(requests, STEP, slots=16, prompt_tokens_per_step=64)
    large = serve_continuous(requests, STEP, slots=16, prompt_tokens_per_step=4096)
    assert small.between_tokens_s(99) < large.between_tokens_s(99)
    assert small.first_token_wait_s(50) > large.first_token_wait_s(50)


def test_random_lengths_have_the_mean_that_was_asked_for():
    drawn = random_requests(40_000, rate_per_s=5.0, prompt_tokens=500, answer_tokens=200, seed=4)
    assert np.mean(drawn.prompt_tokens) == pytest.approx(500.5, rel=0.03)
    assert np.mean(drawn.answer_tokens) == pytest.approx(200.5, rel=0.03)
    assert drawn.arrivals_s[-1] == pytest.approx(8000, rel=0.03)
    again = random_requests(40_000, rate_per_s=5.0, prompt_tokens=500, answer_tokens=200, seed=4)
    np.testing.assert_array_equal(again.answer_tokens, drawn.answer_tokens)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1.0, 0.0], [1, 1], [1, 1]), "arrivals_s: expected ascending"),
        (([0.0], [0], [1]), "prompt_tokens"),
        (([0.0], [1], [1.5]), "answer_tokens: expected whole numbers"),
        (([0.0], [1, 2], [1]), "prompt_tokens: expected the shape"),
    ],
)
def test_impossible_requests_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        TokenRequests(*arguments)


def test_impossible_settings_are_refused():
    requests = TokenRequests([0.0], [1], [1])
    for serve in (serve_static, serve_continuous):
        with pytest.raises(ValueError, match="slots"):
            serve(requests, STEP, slots=0)
    with pytest.raises(ValueError, match="prompt_tokens_per_step"):
        serve_continuous(requests, STEP, slots=1, prompt_tokens_per_step=0)
    with pytest.raises(ValueError, match="fixed_s"):
        LinearStep(-1.0, 0, 0, 0)
