"""Where nothing may be sent, whatever a host name says: every address that is not somebody's on the Internet.

IPv4 is refused by a table (IANA's special-purpose registry, what clouds keep for themselves). Of IPv6 only
2000::/3 is let through, less what in it is special: so all that wraps an IPv4 address, and all that is not
yet given out, is refused without a rule of its own.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

FORBIDDEN_IPV4 = {
    IPv4Network(network): why
    for network, why in {
        "0.0.0.0/8": "this network",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "shared by a carrier's customers",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "a cloud's own services",
        "169.254.0.0/16": "link-local, and a cloud's metadata",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "protocol assignments",
        "192.0.2.0/24": "documentation",
        "192.88.99.0/24": "relays to IPv6",
        "192.168.0.0/16": "private",
        "198.18.0.0/15": "benchmarks",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved, and broadcast",
    }.items()
}
GLOBAL_IPV6 = IPv6Network("2000::/3")
FORBIDDEN_IPV6 = {
    IPv6Network(network): why
    for network, why in {
        "2001::/23": "protocol assignments, Teredo among them",
        "2001:db8::/32": "documentation",
        "2002::/16": "6to4: any IPv4 address",
        "3fff::/20": "documentation",
    }.items()
}


def is_forbidden(address: Address) -> bool:
    """Whether nothing may be sent to this address."""
    if isinstance(address, IPv4Address):
        return any(address in network for network in FORBIDDEN_IPV4)
    return address not in GLOBAL_IPV6 or any(address in network for network in FORBIDDEN_IPV6)
