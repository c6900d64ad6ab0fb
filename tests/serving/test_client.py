"""Both clients against the server: the same answers, and errors that say what to do."""

import numpy as np
import pytest

from deployworkbook.serving.client_errors import RequestError
from deployworkbook.serving.codes import Code
from deployworkbook.serving.connecting import connect


@pytest.fixture(params=["grpc", "rest"])
def client(request, server):
    port = server.options.port
    address = f"127.0.0.1:{port}" if request.param == "grpc" else server.address
    with connect(address) as client:
        yield client


def test_a_prediction(client):
    found = client.predict(np.array([2.0, 4.0], np.float32), model="half")
    assert found.output.tolist() == [3.0, 4.0]
    assert found.output.dtype == np.float32
    assert client.predict({"x": [2.0]}, model="half", version=123).version == 123
    assert client.predict({"x": [2.0]}, model="half", label="stable").output.tolist() == [3.0]


def test_metadata_and_status(client):
    metadata = client.metadata("half")
    assert metadata.version == 123
    assert str(metadata.signatures["serving_default"].inputs["x"]) == "float32 [any, 1]"
    (status,) = client.status("half")
    assert (status.version, status.state, status.error) == (123, "AVAILABLE", "")


def test_errors(client):
    for kw in [
        dict(model="no"),
        dict(model="half", version=5),
        dict(model="half", label="x"),
        dict(model="half", signature="no"),
        dict(model="half", signature="two_inputs"),
    ]:
        with pytest.raises(RequestError) as e:
            client.predict([2.0], **kw)
        print(e.value)
    for inputs in [
        {"z": [1.0]},
        {"x": np.zeros(3)},
        {"x": [1.0], "z": [1.0]},
        {},
        {"x": ["a"]},
        {"x": np.zeros((2, 3), np.float32)},
    ]:
        try:
            print(client.predict(inputs, model="half").output)
        except RequestError as e:
            print(e)
