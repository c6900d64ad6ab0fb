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
    ["", ":8500", "host", "host:", "::1:8500", "[::1]", "[::1:8500", "host:99999", "host:x"],
)
def test_an_address_without_host_or_port_is_refused(address):
    with pytest.raises(ValueError, match="HOST:PORT"):
        split_address(address)


@pytest.mark.parametrize(
    "address", ["http://host:8500", "host:8500/path", "user@host:8500", "host:8500?x"]
)
def test_an_address_with_more_than_host_and_port_is_refused(address):
    with pytest.raises(ValueError, match="HOST:PORT"):
        split_address(address)


@pytest.mark.parametrize("host", ["::1", "[::1]", "::ffff:127.0.0.1"])
def test_ipv6_loopback_is_this_machine_with_and_without_brackets(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["::", "fe80::1", "[2001:db8::1]"])
def test_other_ipv6_addresses_are_not_loopback(host):
    assert not is_loopback(host)
