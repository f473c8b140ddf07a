"""Decide whether an IP address is public, by a table that does not depend on Python's version.

The result of ``ipaddress.is_global`` changes between patch releases of Python. The table has the
entries of IANA's registries of special-purpose addresses (RFC 6890) as of 2025-10-09,
https://www.iana.org/assignments/iana-ipv4-special-registry (updated 2025-10-09) and
https://www.iana.org/assignments/iana-ipv6-special-registry (updated 2025-10-09), and of the
registries of multicast and reserved space.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_IPV4_SPECIAL = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network, RFC 791
            "10.0.0.0/8",  # private use, RFC 1918
            "100.64.0.0/10",  # shared by carriers, RFC 6598
            "127.0.0.0/8",  # loopback, RFC 1122
            "169.254.0.0/16",  # link local, RFC 3927
            "172.16.0.0/12",  # private use, RFC 1918
            "192.0.0.0/24",  # protocol assignments, RFC 6890
            "192.0.2.0/24",  # documentation, RFC 5737
            "192.88.99.0/24",  # deprecated 6to4 relay anycast, RFC 7526; 6a44 relay, RFC 6751
            "192.168.0.0/16",  # private use, RFC 1918
            "198.18.0.0/15",  # benchmarking, RFC 2544
            "198.51.100.0/24",  # documentation, RFC 5737
            "203.0.113.0/24",  # documentation, RFC 5737
            "224.0.0.0/4",  # multicast, RFC 5771
            "240.0.0.0/4",  # reserved, RFC 1112, and limited broadcast, RFC 8190
        ),
    )
)
# Globally reachable entries within the ranges above.
_IPV4_PUBLIC = tuple(
    map(
        IPv4Network,
        (
            "192.0.0.9/32",  # Port Control Protocol anycast, RFC 7723
            "192.0.0.10/32",  # TURN anycast, RFC 8155
        ),
    )
)
# All other space is unassigned (RFC 4291); this excludes ::, ::1, 100::/64, 100:0:0:1::/64,
# 64:ff9b:1::/48, 5f00::/16, fc00::/7, fe80::/10, fec0::/10 and ff00::/8.
_IPV6_UNICAST = IPv6Network("2000::/3")
_IPV6_SPECIAL = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, RFC 2928; benchmarking, ORCHID
            "2001:db8::/32",  # documentation, RFC 3849
            "3fff::/20",  # documentation, RFC 9637
        ),
    )
)
_IPV6_PUBLIC = tuple(
    map(
        IPv6Network,
        (
            "2001:1::1/128",  # Port Control Protocol anycast, RFC 7723
            "2001:1::2/128",  # TURN anycast, RFC 8155
            "2001:1::3/128",  # DNS-SD service registration anycast, RFC 9665
            "2001:3::/32",  # AMT, RFC 7450
            "2001:4:112::/48",  # AS112, RFC 7535
            "2001:20::/28",  # ORCHIDv2, RFC 7343
            "2001:30::/28",  # drone remote identification, RFC 9374
        ),
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")  # RFC 2765
_COMPATIBLE = IPv6Network("::/96")  # deprecated by RFC 4291
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_6TO4 = IPv6Network("2002::/16")  # RFC 3056
_TEREDO = IPv6Network("2001::/32")  # RFC 4380
# These lead to the embedded IPv4 address, which alone decides.
_CARRIERS = (_MAPPED, _NAT64, _6TO4, _TEREDO)
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)  # RFC 5214: the upper half of the interface identifier


def is_public(address: str) -> bool:
    """Return whether *address*, a numeric IPv4 or IPv6 address, is on the public internet.

    An IPv6 address with embedded IPv4 addresses is public only if all of these are.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _is_public(ip)


def _is_public(ip: Address) -> bool:
    if isinstance(ip, IPv4Address):
        return not _in_any(ip, _IPV4_SPECIAL) or _in_any(ip, _IPV4_PUBLIC)
    if not all(map(_is_public, embedded(ip))):
        return False
    if any(ip in network for network in _CARRIERS):
        return True
    if ip not in _IPV6_UNICAST:
        return False
    return not _in_any(ip, _IPV6_SPECIAL) or _in_any(ip, _IPV6_PUBLIC)


def embedded(ip: IPv6Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses that are embedded in *ip*, by its range or its form."""
    bits = int(ip)
    if any(ip in network for network in (_MAPPED, _TRANSLATED, _COMPATIBLE, _NAT64)):
        yield _ipv4(bits)
    elif ip in _6TO4:
        yield _ipv4(bits >> 80)
    elif ip in _TEREDO:
        yield _ipv4(bits >> 64)  # the server
        yield _ipv4(~bits)  # the client, stored inverted
    if (bits >> 32) & 0xFFFF_FFFF in _ISATAP:
        yield _ipv4(bits)


def _ipv4(bits: int) -> IPv4Address:
    return IPv4Address(bits & 0xFFFF_FFFF)


def _in_any(ip: Address, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return any(ip in network for network in networks)
