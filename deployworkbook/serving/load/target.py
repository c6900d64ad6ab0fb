"""The server a load is sent to, on this machine only, and its requests, serialized beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from numpy.typing import ArrayLike

from deployworkbook.serving.api.addresses import Endpoint, is_loopback, read_endpoint
from deployworkbook.serving.api.arrays import as_array
from deployworkbook.serving.api.types import DEFAULT_SIGNATURE, ModelSpec
from deployworkbook.serving.client.base import DEFAULT_DEADLINE_S
from deployworkbook.serving.client.grpc import predict_request
from deployworkbook.serving.client.rest import json_array, path_of, predict_body
from deployworkbook.serving.load.engine import Destination
from deployworkbook.validation import check_number, value_error


@dataclass(frozen=True)
class LoadTarget:
    """A server and the requests to send it.

    Args:
        address: ``HOST:PORT`` for gRPC, ``http://HOST:PORT`` for REST, on this machine.
        path: The URL path, for REST; the method, for gRPC, by default that of predictions.
        payloads: The requests as bytes, sent in turn.
        deadline_s: How long each request may take.

    Raises:
        ValueError: The address is another machine's or has another form, or there are no requests.
    """

    address: str
    payloads: tuple[bytes, ...] = field(repr=False)
    path: str = ""
    deadline_s: float = DEFAULT_DEADLINE_S

    def __post_init__(self) -> None:
        if self.endpoint.is_tls:
            expected = "HOST:PORT for gRPC or http://HOST:PORT for REST, without TLS"
            raise value_error("address", received=repr(self.address), expected=expected)
        if not is_loopback(self.endpoint.host):
            raise value_error(
                "address",
                received=repr(self.address),
                expected="an address of this machine, such as 127.0.0.1:8500",
                remedy="Sending load to somebody else's machine is an attack unless its owner has "
                "agreed: run the generator there, beside the server.",
            )
        if not self.payloads:
            raise value_error("inputs", received="none", expected="at least one request")
        check_number("deadline_s", self.deadline_s, 0, open_low=True)

    @property
    def endpoint(self) -> Endpoint:
        """The address in parts."""
        return read_endpoint(self.address)

    @property
    def is_rest(self) -> bool:
        """Whether the server is addressed over REST."""
        return self.endpoint.is_rest

    @property
    def destination(self) -> Destination:
        """What the process that sends the load needs to know."""
        place = self.endpoint
        path, address = (place.path + self.path, "") if place.is_rest else (self.path, self.address)
        return Destination(place.host, place.port, address, path, self.payloads, self.deadline_s)


def load_target(
    address: str,
    inputs: Mapping[str, ArrayLike] | Sequence[Mapping[str, ArrayLike]],
    *,
    model: str,
    version: int | None = None,
    label: str | None = None,
    signature: str = DEFAULT_SIGNATURE,
    deadline_s: float = DEFAULT_DEADLINE_S,
) -> LoadTarget:
    """Prepare the requests of a load.

    Args:
        address: ``HOST:PORT`` for gRPC, ``http://HOST:PORT`` for REST, on this machine.
        inputs: Arrays by input name, or several such requests, sent in turn.
        model: The model's name.
        version: The version's number (default: the newest one loaded).
        label: A version's label, instead of its number.
        signature: The signature to call.
        deadline_s: How long each request may take.

    Raises:
        TypeError: No model takes values of this kind.
        ValueError: The address is another machine's, or there are no requests.

    >>> load_target("10.0.0.7:8500", {"x": [1.0]}, model="m")
    Traceback (most recent call last):
    ...
    ValueError: address: expected an address of this machine, such as 127.0.0.1:8500. Received: \
'10.0.0.7:8500'. Sending load to somebody else's machine is an attack unless its owner has agreed: \
run the generator there, beside the server.
    """
    spec = ModelSpec(model, version, label, signature)
    several = [inputs] if isinstance(inputs, Mapping) else inputs
    endpoint = read_endpoint(address)
    to_array = json_array if endpoint.is_rest else as_array
    arrays = [{name: to_array(name, value) for name, value in one.items()} for one in several]
    if endpoint.is_rest:
        bodies = tuple(predict_body(spec, one) for one in arrays)
        return LoadTarget(endpoint.address, bodies, f"{path_of(spec)}:predict", deadline_s)
    requests = tuple(predict_request(spec, one).SerializeToString() for one in arrays)
    return LoadTarget(endpoint.address, requests, "", deadline_s)
