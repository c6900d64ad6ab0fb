"""The same API, whatever runs the model: TensorFlow, LiteRT or ONNX Runtime."""

import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest

from deployworkbook.serving.embedded.engine import Tensor
from deployworkbook.serving.embedded.errors import Code, ServingError
from deployworkbook.serving.embedded.flags import Options
from deployworkbook.serving.embedded.lending import Pool
from deployworkbook.serving.embedded.litert_engine import MOST_ROWS, LiteRTEngine
from deployworkbook.serving.embedded.loading import open_engine
from deployworkbook.serving.embedded.onnx_engine import ONNXEngine
from deployworkbook.serving.embedded.pieces import check_values, rows_at_a_time, run_in_pieces
from deployworkbook.serving.embedded.protos import get_model_metadata_pb2, tf
from tests.serving import forms
from tests.serving.conftest import predict_request
from tests.serving.embedded.test_versions import states, version_of
from tests.waiting import wait_until

LITERT = Options(prefer_tflite_model=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A version of each kind."""
    folder = tmp_path_factory.mktemp("forms")
    return {kind: forms.make(kind, folder / kind) for kind in forms.MAKERS}


@pytest.fixture(scope="module")
def servers(made, start, tmp_path_factory):
    """A server of each kind, with and without batching; started when first asked for."""
    started = {}

    def of(kind, *, batching=False):
        if (kind, batching) not in started:
            base = tmp_path_factory.mktemp("base")
            shutil.copytree(made[kind], base / "1")
            given = {"model_name": "half", "enable_batching": batching}
            started[kind, batching] = start(model_base_path=base, prefer_tflite_model=True, **given)
        return started[kind, batching]

    return of


@pytest.mark.parametrize("batching", [False, True])
@pytest.mark.parametrize("kind", forms.MAKERS)
def test_each_engine_answers_over_both_protocols(servers, kind, batching):
    server = servers(kind, batching=batching)
    for x in ([2.0], [0.0, -4.0, 1.0]):
        expected = [value / 2 + 2 for value in x]
        answer = server.predict(predict_request(x=x))
        assert list(answer.outputs["y"].float_val) == expected
        assert answer.model_spec.version.value == 1
        assert server.post("half:predict", {"instances": x}).json() == {"predictions": expected}
        assert server.post("half:predict", {"inputs": {"x": x}}).json() == {"outputs": expected}


@pytest.mark.parametrize("kind", ["litert", "onnx"])
def test_metadata_names_types_and_shapes(servers, kind):
    request = get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec={"name": "half"}, metadata_field=["signature_def"]
    )
    answer = servers(kind).call(
        "PredictionService", "GetModelMetadata", request,
        get_model_metadata_pb2.GetModelMetadataResponse,
    )  # fmt: skip
    found = get_model_metadata_pb2.SignatureDefMap()
    answer.metadata["signature_def"].Unpack(found)
    (signature,) = found.signature_def.values()
    assert signature.method_name == "tensorflow/serving/predict"
    for declared, name in ((signature.inputs, "x"), (signature.outputs, "y")):
        assert list(declared) == [name]
        assert declared[name].dtype == tf.float32.as_datatype_enum
        assert [axis.size for axis in declared[name].tensor_shape.dim] == [-1]
    written = servers(kind).get("/half/metadata").json()["metadata"]["signature_def"]
    assert written["signature_def"]["serving_default"]["inputs"]["x"]["dtype"] == "DT_FLOAT"


@pytest.mark.parametrize("kind", ["litert", "onnx"])
def test_values_that_do_not_fit_are_refused_and_others_are_answered(servers, kind):
    server = servers(kind)
    with pytest.raises(grpc.RpcError) as refused:
        server.predict(predict_request(x=[[1.0, 2.0]]))
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "takes the shape [-1]. Received: [1, 2]" in refused.value.details()
    request = predict_request(x=None)
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.array([1.0])))
    with pytest.raises(grpc.RpcError, match="to be float but double"):
        server.predict(request)
    assert server.post("half:classify", {"examples": [{"x": 1.0}]}).status_code == 400
    assert server.predict(predict_request()).outputs["y"].float_val == [3.0]


@pytest.mark.parametrize("kind", forms.MAKERS)
def test_an_empty_batch_has_an_empty_answer(servers, kind):
    answer = servers(kind).predict(predict_request(x=np.zeros(0)))
    assert [axis.size for axis in answer.outputs["y"].tensor_shape.dim] == [0]


def test_a_model_swaps_its_engine_and_no_request_fails(start, made, tmp_path):
    base, order = tmp_path / "model", ["savedmodel", "litert", "onnx", "litert"]
    shutil.copytree(made[order[0]], base / "1")
    server = start(model_base_path=base, prefer_tflite_model=True)
    stopped, failed, answered = threading.Event(), [], []

    def ask():
        while not stopped.is_set():
            try:
                answer = server.predict(predict_request("default"))
            except grpc.RpcError as error:
                failed.append(error)
                return
            answered.append((answer.model_spec.version.value, *answer.outputs["y"].float_val))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()

    def has_answered(number):
        return failed or any(version == number for version, _ in answered[:])

    wait_until(lambda: has_answered(1))
    for number, kind in enumerate(order[1:], 2):
        shutil.copytree(made[kind], tmp_path / "unfinished")
        (tmp_path / "unfinished").rename(base / str(number))
        wait_until(lambda number=number: version_of(server) == number)
        wait_until(lambda number=number: states(server)[number - 1][0] == 50)
        wait_until(lambda number=number: has_answered(number))
    stopped.set()
    for thread in threads:
        thread.join()
    assert not failed
    assert {version for version, _ in answered} == {1, 2, 3, 4}
    assert {y for _, y in answered} == {3.0}


def garbage(folder, made):
    folder.mkdir()
    (folder / "model.tflite").write_bytes(b"no model at all")


def half_a_file(folder, made):
    folder.mkdir()
    content = (made["litert"] / "model.tflite").read_bytes()
    (folder / "model.tflite").write_bytes(content[: len(content) // 2])


def no_onnx(folder, made):
    folder.mkdir()
    (folder / "model.onnx").write_bytes(b"no model at all")


def weights_elsewhere(folder, made):
    (folder.parent / "secret").write_bytes(np.float32(1).tobytes())
    forms.onnx(folder, weights="../secret")


def linked_weights(folder, made):
    (folder.parent / "secret").write_bytes(np.float32(1).tobytes())
    forms.onnx(folder, weights="weights")
    (folder / "weights").symlink_to(folder.parent / "secret")


def nothing(folder, made):
    folder.mkdir()


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (garbage, "not a LiteRT file"),
        (half_a_file, "LiteRT"),
        (no_onnx, "not an ONNX file"),
        (weights_elsewhere, "escapes"),
        (linked_weights, "escapes"),
        (nothing, "saved_model.pb"),
    ],
)
def test_a_broken_file_says_why_and_others_serve_on(start, made, tmp_path, break_it, words):
    base = tmp_path / "model"
    shutil.copytree(made["litert"], base / "1")
    server = start(model_base_path=base, prefer_tflite_model=True)
    break_it(tmp_path / "unfinished", made)
    (tmp_path / "unfinished").rename(base / "2")
    wait_until(lambda: states(server).get(2, (0,))[0] == 50)
    (said,) = server.get("/default/versions/2").json()["model_version_status"]
    assert words in said["status"]["error_message"]
    assert version_of(server) == 1


def test_weights_beside_an_onnx_file_are_read(tmp_path):
    folder = forms.onnx(tmp_path / "1", weights="weights")
    (folder / "weights").write_bytes(np.float32(0.5).tobytes())
    assert ran(ONNXEngine(folder), np.float32([2])).tolist() == [3]


def ran(engine, *arrays):
    signature = engine.signatures["serving_default"]
    feeds = [feed for _, feed, _ in signature.inputs]
    (result,) = engine.run(feeds, list(signature.outputs.values()), list(arrays))
    return result


def test_which_file_of_a_folder_is_served(made, tmp_path):
    shutil.copytree(made["savedmodel"], tmp_path / "all")
    forms.litert(tmp_path / "litert", add=5.0)
    forms.onnx(tmp_path / "onnx", add=7.0)
    for name in ("litert/model.tflite", "onnx/model.onnx"):
        shutil.copy(tmp_path / name, tmp_path / "all")
    asked = [(name, flag) for name in ("all", "litert", "onnx") for flag in (True, False)]
    asked.remove(("litert", False))
    found = {}
    for name, flag in asked:
        engine = open_engine(tmp_path / name, LITERT if flag else Options())
        found[name, flag] = engine.runtime
        engine.close()
    assert found == {
        ("all", True): "LiteRT",
        ("all", False): "TF1",
        ("litert", True): "LiteRT",
        ("onnx", True): "ONNX Runtime",
        ("onnx", False): "ONNX Runtime",
    }
    with pytest.raises(ServingError, match="--prefer_tflite_model") as refused:
        open_engine(tmp_path / "litert", Options())
    assert refused.value.code == Code.NOT_FOUND


@pytest.mark.parametrize("kind", ["litert", "onnx"])
def test_threads_never_get_the_answers_of_others(made, kind):
    engine = (
        LiteRTEngine(made[kind], interpreters=3) if kind == "litert" else ONNXEngine(made[kind])
    )
    generator = np.random.default_rng(0)
    asked = [generator.random(size, np.float32) for size in generator.integers(1, 40, 400)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda x: ran(engine, x), asked))
    for x, y in zip(asked, answers, strict=True):
        np.testing.assert_array_equal(y, x / 2 + 2)
    engine.close()


@pytest.mark.parametrize("kind", ["litert", "onnx"])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_file_for_a_fixed_number_runs_that_many_at_a_time(tmp_path, kind, rows):
    engine = open_engine(forms.make(kind, tmp_path / "1", rows=rows), LITERT)
    np.testing.assert_array_equal(
        ran(engine, np.arange(6, dtype=np.float32)), np.arange(6, dtype=np.float32) / 2 + 2
    )
    assert ran(engine, np.zeros(0, np.float32)).shape == (0,)
    if rows == 3:
        with pytest.raises(ServingError, match=r"takes 3 examples at a time\. Received: 4"):
            ran(engine, np.zeros(4, np.float32))


def test_a_large_batch_takes_no_more_memory_than_a_part_of_it(made):
    engine = LiteRTEngine(made["litert"])
    x = np.arange(2 * MOST_ROWS + 5, dtype=np.float32)
    np.testing.assert_array_equal(ran(engine, x), x / 2 + 2)
    assert engine._pool.take(((5,),)).shapes == ((5,),)


def test_pieces_are_run_only_where_the_first_axis_is_the_examples():
    any_rows, total = (
        Tensor("x", np.dtype("float32"), (None,)),
        Tensor("s", np.dtype("float32"), ()),
    )
    x = np.ones(10, np.float32)
    assert rows_at_a_time([x], inputs=[any_rows], outputs=[any_rows]) == 0
    assert rows_at_a_time([x], inputs=[any_rows], outputs=[any_rows], most=4) == 4
    assert rows_at_a_time([x], inputs=[any_rows], outputs=[total], most=4) == 0

    def one_sum(arrays):
        return [np.atleast_1d(arrays[0].sum())]

    (y,) = run_in_pieces(one_sum, [x], size=4, outputs=[any_rows])
    assert y.tolist() == [10]


@pytest.mark.parametrize("array", [np.zeros(2), np.zeros((1, 3), np.float32), np.float32(1)])
def test_values_of_another_type_or_shape_are_named(array):
    with pytest.raises(ServingError, match=r"Input x takes .*Received: "):
        check_values([Tensor("x", np.dtype("float32"), (None, 2))], [np.asarray(array)])


class Lent:
    shapes = ((1,),)


def test_a_pool_makes_no_more_than_it_may_and_prefers_what_is_prepared():
    first, made = Lent(), []
    pool = Pool(lambda: made.append(Lent()) or made[-1], first, most=2)
    assert pool.take(((1,),)) is first
    other = pool.take(((2,),))
    assert made == [other]
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(pool.take, ((1,),))
        pool.give_back(first)
        assert waiting.result(10) is first
    other.shapes = ((2,),)
    pool.give_back(first)
    pool.give_back(other)
    assert pool.take(((2,),)) is other
    pool.discard()
    assert pool.take(((9,),)) is first


DAMAGED = """
import sys
from pathlib import Path
from deployworkbook.serving.embedded.errors import ServingError
from deployworkbook.serving.embedded.flags import Options
from deployworkbook.serving.embedded.loading import open_engine
folder, refused = Path(sys.argv[1]), 0
for name in ("model.tflite", "model.onnx"):
    content = (folder / name.partition(".")[2] / name).read_bytes()
    target = folder / "damaged"
    target.mkdir(exist_ok=True)
    for cut in range(0, len(content), max(1, len(content) // 40)):
        (target / name).write_bytes(content[:cut])
        try:
            open_engine(target, Options(prefer_tflite_model=True)).close()
        except ServingError:
            refused += 1
    (target / name).unlink()
print(refused, "tensorflow" in sys.modules)
"""


def test_files_cut_anywhere_are_refused_in_a_process_without_tensorflow(made, tmp_path):
    for kind, name in (("litert", "tflite"), ("onnx", "onnx")):
        shutil.copytree(made[kind], tmp_path / name)
    said = subprocess.run(
        [sys.executable, "-c", DAMAGED, tmp_path],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    refused, tensorflow = said.stdout.split()
    assert int(refused) >= 80
    assert tensorflow == "False"


NO_TENSORFLOW = """
import sys, threading
from pathlib import Path
from deployworkbook.serving.embedded.flags import Options
from deployworkbook.serving.embedded.server import Server
for kind in ("litert", "onnx"):
    path = Path(sys.argv[1]) / kind
    server = Server(Options(model_base_path=path, prefer_tflite_model=True), threading.Event())
    server._load("m", 1, path)
print("tensorflow" in sys.modules)
"""


def test_a_server_of_litert_and_onnx_files_never_loads_tensorflow(made):
    said = subprocess.run(
        [sys.executable, "-c", NO_TENSORFLOW, Path(made["litert"]).parent],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert said.stdout == "False\n", said.stderr
