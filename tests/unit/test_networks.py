"""The table of public addresses, compared with the registries and with Python."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wallpapers.downloads.networks import Address, is_public

SPECIAL = """
    0.0.0.0 0.255.255.255 10.0.0.1 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1
    127.255.255.255 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.8 192.0.0.11
    192.0.0.170 192.0.2.1 192.88.99.1 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.255
    203.0.113.0 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::2 100::1 100:0:0:1::1 64:ff9b:1::1 64:ff9b:1::808:808 200::1 1000::1 2001:1::4
    2001:1:1::1 2001:2::1 2001:5::1 2001:10::1 2001:1ff:ffff::1 2001:db8::1 2001:db8:ffff::1
    3fff::1 3fff:fff::1 4000::1 5f00::1 8000::1 fc00::1 fdff::1 fe00::1 fe80::1 fe80::1%eth0
    fec0::1 feff::1 ff00::1 ff0e::1
"""
PUBLIC = """
    1.0.0.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
    169.253.255.255 172.15.255.255 172.32.0.0 192.0.0.9 192.0.0.10 192.0.1.0 192.31.196.1
    192.52.193.1 192.88.98.255 192.88.100.0 192.175.48.1 198.17.255.255 198.20.0.0 203.0.114.0
    223.255.255.255
    2000::1 2001:1::1 2001:1::2 2001:1::3 2001:3::1 2001:4:112::1 2001:20::1 2001:30::1
    2001:200::1 2001:4860:4860::8888 2001:db7:ffff::1 2001:db9::1 2620:4f:8000::1 2a00::1
    3ffe:ffff::1 3fff:1000::1
"""
LOOPBACKS = """
    ::ffff:127.0.0.1 ::ffff:0:127.0.0.1 ::127.0.0.1 64:ff9b::127.0.0.1 2002:7f00:1::
    2001:0:7f00:1::f7f7:f7f7 2001:0:808:808::80ff:fffe 2001:4860::5efe:127.0.0.1
    2001:4860::200:5efe:127.0.0.1 2001:4860::5efe:a00:1 ::ffff:a9fe:a9fe 64:ff9b::c0a8:1
    2002:a00:1::1 2001:0:808:808::3f57:fffe
"""
CARRIED_PUBLIC = """
    ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1 2001:0:808:808::f7f7:f7f7
    2001:4860::5efe:8.8.8.8 2001:4860::200:5efe:8.8.8.8
"""


@pytest.mark.parametrize("address", SPECIAL.split())
def test_special_purpose_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_addresses_beside_the_special_ranges_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", LOOPBACKS.split())
def test_an_embedded_private_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", CARRIED_PUBLIC.split())
def test_an_embedded_public_address_is_public(address: str) -> None:
    assert is_public(address)


# Networks in which Python 3.11 to 3.14 disagree with each other, or with the registries.
DISPUTED = """
    192.0.0.0/24 192.88.99.0/24 2001::/23 2002::/16 3fff::/20 64:ff9b::/96 64:ff9b:1::/48
    ::ffff:0:0/96 fec0::/10 5f00::/16
"""


@given(st.ip_addresses())
def test_the_table_agrees_with_python_where_python_is_right(ip: Address) -> None:
    if any(ip in ipaddress.ip_network(network) for network in DISPUTED.split()):
        return
    if ip.version == 6 and (int(ip) >> 32) & 0xFDFF_FFFF == 0x5EFE:
        return  # ISATAP
    assert is_public(str(ip)) is (ip.is_global and not ip.is_multicast and not ip.is_reserved)


@given(st.ip_addresses(v=4))
def test_an_address_is_as_public_as_the_embedded_one(ip: ipaddress.IPv4Address) -> None:
    public = is_public(str(ip))
    client = int(ip) ^ 0xFFFF_FFFF
    upper, lower = (
        f"{int(ip) >> 16:x}:{int(ip) & 0xFFFF:x}",
        f"{client >> 16:x}:{client & 0xFFFF:x}",
    )
    for carrier in (
        f"::ffff:{ip}",
        f"64:ff9b::{ip}",
        f"2002:{upper}::1",
        f"2001:0:{upper}::f7f7:f7f7",
        f"2001:0:808:808::{lower}",
        f"2001:4860::5efe:{ip}",
        f"2001:4860::200:5efe:{ip}",
    ):
        assert is_public(carrier) is public, carrier


@pytest.mark.parametrize("address", ["", "localhost", "1.2.3", "0x7f.1", "::1::", "8.8.8.8.8"])
def test_invalid_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)
