"""Hosts and ports, IPv6 literals among them."""

import pytest

from deployworkbook.serving.api.addresses import (
    bare_host,
    host_and_port,
    is_loopback,
    split_address,
)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%eth0", "localhost", "::"])
def test_an_address_that_is_joined_splits_into_the_same_host_and_port(host):
    assert split_address(host_and_port(host, 8500)) == (host, 8500)


def test_brackets_are_added_once_and_taken_off():
    assert host_and_port("[::1]", 8500) == "[::1]:8500" == host_and_port("::1", 8500)
    assert bare_host("[::1]") == "::1"


@pytest.mark.parametrize(
    "address",
    ["", ":8500", "host", "host:", "::1:8500", "[::1]", "[::1:8500", "host:99999", "host:x"]
    + ["http://host:8500", "host:8500/path", "user@host:8500", "host:8500?x"],
)
def test_what_is_not_host_and_port_is_refused(address):
    with pytest.raises(ValueError, match="HOST:PORT"):
        split_address(address)


def test_ipv6_loopback_is_this_machine_with_and_without_brackets():
    assert is_loopback("::1") and is_loopback("[::1]") and is_loopback("::ffff:127.0.0.1")
    assert not is_loopback("::") and not is_loopback("fe80::1")
