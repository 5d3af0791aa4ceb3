"""Which network addresses a stranger's URI may lead to: public ones, and no others.

Python's `is_global` follows the IANA special-purpose registries; what those call global though it
leads inwards, or wraps an IPv4 address, is looked through or listed here.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_GLOBAL_UNICAST = ip_network("2000::/3")
_REFUSED = tuple(
    ip_network(text)
    for text in (
        "192.88.99.0/24",  # relays of 6to4, withdrawn (RFC 7526)
        "168.63.129.16/32",  # the host of a virtual machine on Azure
        "100.100.100.200/32",  # metadata of instances on Alibaba Cloud
        "2001::/23",  # protocol assignments, Teredo among them
        "3fff::/20",  # documentation (RFC 9637)
    )
)
_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_SIX_TO_FOUR = ip_network("2002::/16")


def is_public(text: str) -> bool:
    """Whether an address, as text, is a public unicast one."""
    try:
        # A scope (`%eth0`) exists for addresses that are not public.
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return _is_public_v4(address)
    if getattr(address, "scope_id", None) is not None:
        return False
    embedded = _embedded(address)
    if embedded is not None:
        return _is_public_v4(embedded)
    return (
        address in _GLOBAL_UNICAST
        and address.is_global
        and not any(address in network for network in _REFUSED if network.version == 6)
    )


def _is_public_v4(address: IPv4Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _REFUSED if network.version == 4)
    )


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _SIX_TO_FOUR:
        return address.sixtofour
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def look_up(host: str, port: int) -> list[str]:
    """Addresses of a host by the system's resolver; it blocks.

    Raises:
        OSError: the name is unknown.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
