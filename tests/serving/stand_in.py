"""A stand-in for TensorFlow Serving: both ports, the same answer to every request."""

import http.server
import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from deployworkbook.serving.api.messages import PredictResponse

ADDRESS, ANSWER = "127.0.0.1", 3.0


class Rest(http.server.BaseHTTPRequestHandler):
    """Each model is loaded, and each prediction is the same."""

    def do_GET(self):
        self._answer({"model_version_status": [{"state": "AVAILABLE"}]})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"outputs": [ANSWER]})

    def _answer(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(flags):
    given = dict(flag[2:].split("=", 1) for flag in flags)
    lost = [name for name in given if name.endswith("_file") and not Path(given[name]).is_file()]
    if lost:
        sys.exit(f"No such file: {lost}")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    response = PredictResponse()
    response.outputs["y"].dtype = 1
    response.outputs["y"].float_val.append(ANSWER)
    answer = grpc.unary_unary_rpc_method_handler(lambda *_: response.SerializeToString())
    service = "tensorflow.serving.PredictionService"
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"Predict": answer}),)
    )
    try:
        server.add_insecure_port(f"{ADDRESS}:{given['port']}")
    except RuntimeError:
        sys.exit("bind: Address already in use")
    rest = http.server.ThreadingHTTPServer((ADDRESS, int(given["rest_api_port"])), Rest)
    server.start()
    rest.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
