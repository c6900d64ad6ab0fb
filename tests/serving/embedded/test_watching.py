"""What an operator sees: metrics, health, reflection."""

import re
from functools import partial

import grpc
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from deployworkbook.serving.embedded.metrics import (
    BATCH_SIZES,
    BUCKETS_US,
    EXAMPLE_COUNTS,
    LONGEST_NAME,
    MOST_NAMES,
    OTHER_NAME,
    QUEUE_BUCKETS_US,
    Counter,
    Histogram,
    Metrics,
)
from tests.serving.conftest import predict_request


def page(server):
    answer = requests.get(f"{server.address}/metrics/here", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


def value(text, sample):
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_requests_are_counted_by_outcome(server):
    ok = ':tensorflow:serving:request_count{model_name="half",status="OK"}'
    lost = ':tensorflow:serving:request_count{model_name="nobody",status="NOT_FOUND"}'
    latency = (
        ':tensorflow:serving:request_latency_count{{model_name="half",API="{}",entrypoint="{}"}}'
    )
    runtime = (
        ':tensorflow:serving:runtime_latency_count{model_name="half",API="Predict",runtime="TF1"}'
    )
    samples = [
        ok,
        lost,
        latency.format("Predict", "GRPC"),
        latency.format("predict", "REST"),
        runtime,
    ]
    before = [value(page(server), sample) for sample in samples]
    server.predict(predict_request())
    server.post("half:predict", {"instances": [1]})
    server.post("nobody:predict", {"instances": [1]})
    with pytest.raises(grpc.RpcError):
        server.predict(predict_request("nobody"))
    after = [value(page(server), sample) for sample in samples]
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 2, 1, 1, 2]


def test_the_page_is_prometheus_text(server, half):
    server.predict(predict_request())
    text = page(server)
    assert "# TYPE :tensorflow:serving:request_count counter" in text
    path = half / "123"
    load = f':tensorflow:cc:saved_model:load_attempt_count{{model_path="{path}",status="success"}}'
    assert value(text, load) == 1
    assert value(text, f':tensorflow:cc:saved_model:load_latency{{model_path="{path}"}}') > 0
    # The names begin with a colon, which scrapers allow; each bucket holds those below it, too.
    families = {family.name: family for family in text_string_to_metric_families(text)}
    buckets = [
        sample
        for sample in families[":tensorflow:serving:request_latency"].samples
        if sample.name.endswith("_bucket")
        and (sample.labels["model_name"], sample.labels["API"]) == ("half", "Predict")
    ]
    assert len(buckets) == 34
    assert [b.value for b in buckets] == sorted(b.value for b in buckets)
    assert buckets[-1].labels["le"] == "+Inf"


def test_buckets_are_tensorflow_servings():
    assert len(BUCKETS_US) == 33
    assert BUCKETS_US[:3] == pytest.approx([10, 18, 32.4])
    assert (len(QUEUE_BUCKETS_US), QUEUE_BUCKETS_US[:2]) == (52, (100, 120))
    assert (len(BATCH_SIZES), BATCH_SIZES[-1]) == (14, 2**13)
    assert (len(EXAMPLE_COUNTS), EXAMPLE_COUNTS[-1]) == (15, 2**14)


def test_examples_of_a_request_are_counted(server):
    count = ':tensorflow:serving:request_example_count_total{model="half"}'
    four = ':tensorflow:serving:request_example_counts_bucket{model="half",le="4"}'
    two = ':tensorflow:serving:request_example_counts_bucket{model="half",le="2"}'
    before = [value(page(server), sample) for sample in (count, four, two)]
    examples = {"examples": [{"x": 1.0}, {"x": 2.0}, {"x": 3.0}]}
    answer = server.post("half:regress", {**examples, "signature_name": "regress_x_to_y"})
    assert answer.status_code == 200, answer.text
    server.post("half:regress", {"examples": [], "signature_name": "regress_x_to_y"})  # refused
    after = [value(page(server), sample) for sample in (count, four, two)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [3, 1, 0]


def test_a_metric_without_labels_is_written_as_tensorflow_serving_does():
    metrics = Metrics()
    metrics.wrapped_run_count.add()
    metrics.input_batch_size.observe(value=3)
    text = metrics.text()
    name = ":tensorflow:serving:batching_session:"
    assert f"# TYPE {name}wrapped_run_count counter\n{name}wrapped_run_count{{}} 1\n" in text
    assert f'{name}input_batch_size_bucket{{le="2"}} 0\n' in text
    assert f'{name}input_batch_size_bucket{{le="4"}} 1\n' in text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families[f"{name}wrapped_run_count"].samples[0].value == 1


def test_prometheus_own_client_would_rename_counters():
    """The reason why the text is not written by it; if this changes, it can be."""

    class Ours:
        def collect(self):
            yield CounterMetricFamily(":tensorflow:serving:request_count", "", value=1)

    registry = CollectorRegistry()
    registry.register(Ours())
    assert (
        "# TYPE :tensorflow:serving:request_count_total counter"
        in generate_latest(registry).decode()
    )


def test_any_number_of_names_needs_bounded_memory():
    metrics = Metrics()
    for number in range(1000):
        metrics.requests.add(f"name\n{number}", "NOT_FOUND")
        metrics.warmup_latency.observe(f"path {number}", "OK", value=1)
    assert metrics.text().count("model_warmup_latency_count{") <= 201
    metrics.requests.add("n" * 10_000_000, "NOT_FOUND")
    assert len(metrics.text()) < 10_000_000
    lines = [line for line in metrics.text().splitlines() if "request_count{" in line]
    assert len(lines) <= 202
    assert sum(float(line.rpartition(" ")[2]) for line in lines) == 1001


def test_metrics_are_off_unless_asked_for(start, half):
    plain = start(model_base_path=half, port=0)
    answer = requests.get(f"{plain.address}/monitoring/prometheus/metrics", timeout=10)
    assert answer.status_code == 404


def test_health(server):
    stub = health_pb2_grpc.HealthStub(server.channel)
    for name in ("", "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as refused:
        stub.Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=10)
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND


def test_reflection_tells_what_can_be_called(server):
    """As grpcurl asks for it."""
    database = ProtoReflectionDescriptorDatabase(server.channel)
    assert {
        "tensorflow.serving.PredictionService",
        "tensorflow.serving.ModelService",
        "grpc.health.v1.Health",
    } <= set(database.get_services())
    file = database.FindFileContainingSymbol("tensorflow.serving.PredictionService")
    assert [m.name for m in file.service[0].method][:3] == ["Classify", "Regress", "Predict"]


def options(server, **headers):
    address = f"{server.address}/v1/models/half:predict"
    return requests.options(address, headers=headers, timeout=10)


def test_a_browsers_question_is_answered_by_its_origin_with_or_without_cors(server):
    answer = options(server, Origin="http://page")
    assert (answer.status_code, answer.content) == (200, b"")
    # Nothing in it lets the page read an answer: for that there is the flag.
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert options(server).status_code == 400
    assert "Malformed request: OPTIONS" in options(server).json()["error"]


def test_cors_is_for_those_who_ask_for_it(start, half, server):
    asked = start(model_base_path=half, port=0, rest_api_enable_cors_support=True)
    for answer in (
        asked.get("/default"),
        asked.get("/nobody"),
        options(asked, Origin="http://page"),
        options(asked),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in server.get("/half").headers


@pytest.mark.parametrize("metric", [Counter("c", ("m", "s")), Histogram("c", ("m", "s"), (1, 2))])
def test_names_that_clients_invent_share_one_label_in_the_end(metric):
    add = metric.add if isinstance(metric, Counter) else partial(metric.observe, value=1)
    add("half", "OK")
    for number in range(10 * MOST_NAMES):
        add(f"invented {number}", "NOT_FOUND")
    text = "\n".join(metric.lines())
    names = re.findall(r'm="([^"]*)"', text)
    assert len(set(names)) == MOST_NAMES + 1
    end = "" if isinstance(metric, Counter) else "_count"
    assert value(text, f'c{end}{{m="{OTHER_NAME}",s="NOT_FOUND"}}') == 9 * MOST_NAMES + 1
    # A model that was there before them still has all of its outcomes.
    add("half", "INTERNAL")
    assert value("\n".join(metric.lines()), f'c{end}{{m="half",s="INTERNAL"}}') == 1


def test_a_long_name_is_not_remembered():
    counter = Counter("c", ("m",))
    counter.add("x" * LONGEST_NAME)
    counter.add("y" * (LONGEST_NAME + 1), amount=3)
    assert [line[:6] for line in counter.lines()] == ['c{m="x', 'c{m="(']
    assert value("\n".join(counter.lines()), f'c{{m="{OTHER_NAME}"}}') == 3
