"""Servers that people would pick instead, each in an environment of its own."""

import dataclasses
import os
import subprocess
import sys
import venv
from pathlib import Path

VARIABLE = "DEPLOYWORKBOOK_PEERS"
COMMAND = f"{VARIABLE}=~/peers pytest -m report -s tests/benchmarks/test_serving_peers.py"

_RUNTIME = ["numpy", "onnxruntime", "orjson", "uvloop", "httptools"]

# What people write when they need it fast: no validation of each number, no thread per request.
_HANDLER = """
import sys
import numpy as np
import onnxruntime
import orjson
import uvicorn

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[3])
session = onnxruntime.InferenceSession(sys.argv[2], options, providers=["CPUExecutionProvider"])

async def predict(request):
    rows = np.array(orjson.loads(await request.body())["instances"], np.float32)
    (scores,) = session.run(None, {"x": rows})
    body = orjson.dumps({"predictions": scores}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, media_type="application/json")
"""
_SERVE = """
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools",
            access_log=False, log_level="error")
"""
FASTAPI = f"""
from fastapi import FastAPI, Request, Response
{_HANDLER}
app = FastAPI()

@app.post("/v1/models/default:predict")
async def answer(request: Request):
    return await predict(request)
{_SERVE}"""
# Without FastAPI's layer, which only makes it faster.
STARLETTE = f"""
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
{_HANDLER}
app = Starlette(routes=[Route("/v1/models/default:predict", predict, methods=["POST"])])
{_SERVE}"""
MLSERVER = """
import json, pathlib, subprocess, sys
folder = pathlib.Path(sys.argv[2] + ".mlserver")
folder.mkdir(exist_ok=True)
(folder / "runtime.py").write_text('''
import numpy as np, onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse

class Onnx(MLModel):
    async def load(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.settings.parameters.extra["threads"]
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, options)
        return True

    async def predict(self, payload):
        rows = NumpyCodec.decode_input(payload.inputs[0])
        (scores,) = self.session.run(None, {"x": rows})
        return InferenceResponse(model_name=self.name,
                                 outputs=[NumpyCodec.encode_output("y", scores)])
''')
(folder / "settings.json").write_text(json.dumps({
    "http_port": int(sys.argv[1]), "grpc_port": int(sys.argv[4]), "host": "127.0.0.1",
    "metrics_endpoint": None, "parallel_workers": 0, "debug": False}))
(folder / "model-settings.json").write_text(json.dumps({
    "name": "default", "implementation": "runtime.Onnx",
    "parameters": {"uri": sys.argv[2], "extra": {"threads": int(sys.argv[3])}}}))
from mlserver.cli import main
sys.path.insert(0, str(folder))
sys.argv = ["mlserver", "start", str(folder)]
main()
"""
BENTOML = """
import os, pathlib, sys
folder = pathlib.Path(sys.argv[2] + ".bento")
folder.mkdir(exist_ok=True)
(folder / "service.py").write_text('''
import os
import bentoml, numpy as np, onnxruntime

@bentoml.service(workers=1)
class Digits:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(os.environ["THREADS"])
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options)

    @bentoml.api
    def predict(self, instances: np.ndarray) -> np.ndarray:
        (scores,) = self.session.run(None, {"x": instances.astype(np.float32)})
        return scores
''')
os.environ.update(MODEL=sys.argv[2], THREADS=sys.argv[3])
os.chdir(folder)
os.execv(sys.executable, [sys.executable, "-m", "bentoml", "serve", "service:Digits",
                          "--host", "127.0.0.1", "--port", sys.argv[1]])
"""


@dataclasses.dataclass(frozen=True)
class Peer:
    """A server to compare with.

    Args:
        name: Its name.
        program: Serves, given the REST port, the ONNX file, the threads and the gRPC port.
        packages: What it needs; none if this environment has it.
        path: The path of predictions.
        form: How an image is sent: ``rows`` as TensorFlow Serving's row format, or ``v2``.
        grpc: The path of predictions over gRPC; empty without.
    """

    name: str
    program: str
    packages: tuple[str, ...] = ()
    path: str = "/v1/models/default:predict"
    form: str = "rows"
    grpc: str = ""

    @property
    def python(self) -> Path:
        """The Python that it runs on."""
        if not self.packages:
            return Path(sys.executable)
        folder = Path(os.environ[VARIABLE]).expanduser() / self.name.split()[0].lower()
        return folder / ("Scripts" if os.name == "nt" else "bin") / "python"

    @property
    def is_asked_for(self) -> bool:
        """Whether it may be installed, or needn't be."""
        return not self.packages or VARIABLE in os.environ

    def install(self) -> None:
        """Make its environment, unless it exists."""
        if self.packages and not self.python.exists():
            venv.create(self.python.parent.parent, with_pip=True)
            command = [self.python, "-m", "pip", "install", "-q", *self.packages]
            subprocess.run(command, check=True)


PEERS = [
    Peer("Starlette + ONNX Runtime", STARLETTE),
    Peer("FastAPI + ONNX Runtime", FASTAPI, ("fastapi", "uvicorn", *_RUNTIME)),
    Peer(
        "MLServer + ONNX Runtime",
        MLSERVER,
        ("mlserver", "numpy", "onnxruntime"),
        path="/v2/models/default/infer",
        form="v2",
        grpc="/inference.GRPCInferenceService/ModelInfer",
    ),
    Peer("BentoML + ONNX Runtime", BENTOML, ("bentoml", "numpy", "onnxruntime"), path="/predict"),
]
