"""The server as a process of its own, as its tests start it."""

import subprocess
import sys

import grpc

from deployworkbook.serving.embedded.protos import predict_pb2
from tests.serving.conftest import ADDRESS, free_port
from tests.waiting import wait_until


class Process:
    """``deployworkbook serve`` in a process of its own."""

    def __init__(self, log, *flags):
        self.log = log
        self.port, self.rest_port = free_port(), free_port()
        given = [f"--port={self.port}", f"--rest_api_port={self.rest_port}", *map(str, flags)]
        with log.open("w") as stderr:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "deployworkbook", "serve", *given], stderr=stderr
            )
        self.channel = grpc.insecure_channel(f"{ADDRESS}:{self.port}")

    def says(self, text):
        def is_said():
            said = self.log.read_text()
            assert text in said or self.popen.poll() is None, said
            return text in said

        wait_until(is_said, f"{text!r} in the log")
        return self

    def predict(self, request, timeout=30):
        path = "/tensorflow.serving.PredictionService/Predict"
        body = request if isinstance(request, bytes) else request.SerializeToString()
        return predict_pb2.PredictResponse.FromString(
            self.channel.unary_unary(path)(body, timeout=timeout)
        )
