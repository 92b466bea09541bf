"""Which addresses a webhook may be sent to: names are resolved once, judged, and connected to by that very address.

Somebody who chooses where we send to could else have us ask machines that only we can reach: a database without a
password, or the service of a cloud that hands out its keys.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]


class Allowance(StrEnum):
    """What a destination may do that is refused otherwise; it holds for the host of that destination alone."""

    PRIVATE_ADDRESS = "private-address"
    PLAIN_HTTP = "plain-http"


_NEVER: Final[tuple[IPv4Network | IPv6Network, ...]] = tuple(
    map(
        ip_network,
        (
            "169.254.0.0/16",  # link-local; the keys of AWS, Azure, Google, Huawei and Tencent clouds are at .169.254 …
            "fe80::/10",
            "100.100.100.200/32",  # … of Alibaba Cloud
            "192.0.0.192/32",  # … of Oracle Cloud
            "fd00:ec2::/32",  # … of AWS by IPv6
            "0.0.0.0/8",
            "::/128",
            "224.0.0.0/4",
            "ff00::/8",
            "240.0.0.0/4",
        ),
    )
)
_NAT64: Final = ip_network("64:ff9b::/96")


class ForbiddenAddress(OSError):
    """A name leads where nothing is sent to."""


def why_forbidden(address: str, allowed: frozenset[Allowance] = frozenset()) -> str | None:
    """Why nothing is sent to an IP address; None where it may be."""
    try:
        plain = _innermost(ip_address(address.partition("%")[0]))
    except ValueError:
        return f"{address} is no address"
    if any(plain in network for network in _NEVER if network.version == plain.version):
        return f"{address} is a link-local, metadata, multicast or reserved address"
    if not plain.is_global and Allowance.PRIVATE_ADDRESS not in allowed:
        return (
            f"{address} is a private or loopback address; where that is right, write 'allow: "
            f"[{Allowance.PRIVATE_ADDRESS}]' into the destination"
        )
    return None


def is_address(host: str) -> bool:
    """Whether a host is written as an IP address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def resolve(host: str, port: int) -> tuple[str, ...]:
    """All addresses of a host, in the order of the system. Raises OSError where it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def pinned(host: str, port: int, allowed: frozenset[Allowance], resolved: Resolve = resolve) -> str:
    """The address to connect to; raises ForbiddenAddress if any of the host's addresses is refused.

    Any, not only the first: a name that leads to a good and a bad one is not a name to trust.
    """
    addresses = resolved(host, port)
    if not addresses:
        raise ForbiddenAddress(f"{host} has no address")
    for address in addresses:
        if why := why_forbidden(address, allowed):
            raise ForbiddenAddress(f"{host} is not sent to: {why}")
    return addresses[0]


class PinnedConnection(http.client.HTTPConnection):
    """To one address, whatever the name says a moment later; over TLS the certificate is that of the name."""

    def __init__(self, host: str, port: int, address: str, timeout_s: float, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._address = address
        self._tls = tls
        self.default_port = http.client.HTTP_PORT if tls is None else http.client.HTTPS_PORT

    def connect(self) -> None:
        """Opens the connection."""
        plain = socket.create_connection((self._address, self.port), self.timeout)
        try:
            self.sock = plain if self._tls is None else self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def _innermost(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries: mapped, 6to4, Teredo or NAT64; else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)
