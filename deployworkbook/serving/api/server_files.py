"""A model server's files for batching, monitoring and TLS, as protobuf text.

``embedded.config`` reads these files, and so does TensorFlow Serving.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from google.protobuf import text_encoding

from deployworkbook.validation import check_integer, value_error

METRICS_PATH = "/monitoring/prometheus/metrics"
# In the order of their field numbers in BatchingParameters.
BATCHING_NUMBERS = (
    "max_batch_size",
    "batch_timeout_micros",
    "max_enqueued_batches",
    "num_batch_threads",
)
BATCHING_SIZES = "allowed_batch_sizes"


def batching_text(parameters: Mapping[str, int | Sequence[int]]) -> str:
    """Write the text of a ``--batching_parameters_file``.

    Args:
        parameters: Whole numbers, by the names in ``BATCHING_NUMBERS``; and a list of whole numbers
            for ``allowed_batch_sizes``.

    Raises:
        TypeError: A value is not a whole number.
        ValueError: A name is unknown, or a number is negative.

    >>> print(batching_text({"max_batch_size": 32, "allowed_batch_sizes": [8, 32]}))
    max_batch_size { value: 32 }
    allowed_batch_sizes: 8
    allowed_batch_sizes: 32
    <BLANKLINE>
    """
    lines = []
    for name, value in parameters.items():
        if name == BATCHING_SIZES and isinstance(value, Sequence):
            lines += [f"{name}: {check_integer(name, size, 1)}" for size in value]
        elif name in BATCHING_NUMBERS:
            lines.append(f"{name} {{ value: {check_integer(name, value, 0)} }}")
        else:
            expected = "some of " + ", ".join([*BATCHING_NUMBERS, f"{BATCHING_SIZES} (a list)"])
            raise value_error(
                "batching_parameters", received=f"{name} = {value!r}", expected=expected
            )
    return "\n".join([*lines, ""])


def monitoring_text(path: str = METRICS_PATH) -> str:
    """Write the text of a ``--monitoring_config_file``: metrics for Prometheus on the REST port.

    >>> print(monitoring_text("/metrics"))
    prometheus_config { enable: true path: "/metrics" }
    <BLANKLINE>
    """
    return f"prometheus_config {{ enable: true path: {_quoted(path)} }}\n"


def ssl_text(
    *, server_key: str, server_cert: str, custom_ca: str = "", client_verify: bool = False
) -> str:
    r"""Write the text of a ``--ssl_config_file``; it holds the private key.

    Args:
        server_key: The server's private key, as PEM.
        server_cert: Its certificate, as PEM.
        custom_ca: The CA of the clients' certificates, as PEM.
        client_verify: Whether clients must have one.

    >>> print(ssl_text(server_key="a\nb", server_cert="c"))
    server_key: "a\nb"
    server_cert: "c"
    <BLANKLINE>
    """
    given = {"server_key": server_key, "server_cert": server_cert, "custom_ca": custom_ca}
    lines = [f"{name}: {_quoted(text)}" for name, text in given.items() if text]
    return "\n".join([*lines, *(["client_verify: true"] if client_verify else []), ""])


def _quoted(text: str) -> str:
    return f'"{text_encoding.CEscape(text.encode(), as_utf8=True)}"'
