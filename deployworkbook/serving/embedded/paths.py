"""The paths of the REST API, and which model and version they name."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from deployworkbook.serving.api.version_folders import LARGEST
from deployworkbook.serving.embedded.errors import invalid
from deployworkbook.serving.embedded.protos import model_pb2

_WHICH = r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
RUN = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_WHICH}:(?P<method>classify|regress|predict)", re.IGNORECASE
)
LOOK = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_WHICH}(?:/(?P<part>metadata))?", re.IGNORECASE
)
# A proxy's client sends the whole URL, which RFC 9112 (3.2.2) requires servers to accept.
_ORIGIN_OF_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)


def path_of(target: str) -> str:
    """Return the path of a request's target, which may be a whole URL."""
    found = _ORIGIN_OF_ADDRESS.match(target)
    return (target[found.end() :] or "/") if found else target


def spec_of(match: re.Match[str]) -> Any:
    """Make the ``ModelSpec`` of a path.

    Raises:
        ServingError: The version is no number of 64 bits.
    """
    spec = model_pb2.ModelSpec(name=unquote(match["name"]))
    if match["version"]:
        if len(match["version"]) > 400 or int(match["version"]) > LARGEST:
            raise invalid(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = int(match["version"])
    if match["label"]:
        spec.version_label = unquote(match["label"])
    return spec
