"""The address a webhook is sent to, as text: what may be registered, and that it is the one approved.

One way to write each address, so that nobody's parser can take it for another: lower case, a full host name,
no user, no fragment, no encoding in the host. Whatever else there is, is refused and not mended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hub.errors import HubError

PORTS = frozenset({443, 8443})
URL_CHARS_MAX = 2_048
HOST_CHARS_MAX = 253
PORT_MAX = 65_535
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "[::1]", "localhost"})
_PORT_OF = {"https": 443, "http": 80}

_PARTS = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<host>\[[^\]/?#@]*\]|[^:/?#@\[\]]*)(?::(?P<port>[^/?#@]*))?(?P<target>[/?].*)?"
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter: else it would be a way to write an IPv4 address.
_HOST = re.compile(rf"(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_TARGET = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*")


class TargetRefused(HubError):
    """The address is not one that webhooks may be sent to; the sentence says why, without the address."""

    code = "E_TARGET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """An address in its parts."""

    scheme: str
    host: str
    """In brackets where it is an IPv6 address."""
    port: int
    target: str
    """Path and query."""

    @property
    def host_header(self) -> str:
        """The host as the request names it."""
        return self.host if self.port == _PORT_OF[self.scheme] else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where one endpoint's webhooks may go, as it was approved."""

    endpoint_id: str
    host: str
    port: int
    on_loopback: bool = False
    """For development: this machine and nothing else, also without TLS."""

    @classmethod
    def of(cls, endpoint_id: str, url: str, *, on_loopback: bool = False) -> Target:
        """Take host and port from the address that was approved.

        Raises:
            TargetRefused: Webhooks may not be sent there.
        """
        found = read_url(url, on_loopback=on_loopback)
        return cls(endpoint_id=endpoint_id, host=found.host, port=found.port, on_loopback=on_loopback)

    def take(self, url: str) -> Url:
        """Return an address in its parts, where it is on the host and port that were approved.

        Raises:
            TargetRefused: It is not, or webhooks may not be sent there.
        """
        found = read_url(url, on_loopback=self.on_loopback)
        if (found.host, found.port) != (self.host, self.port):
            message = "the address is on another host or port than the one approved"
            raise TargetRefused(message, fix="have the new address approved first")
        return found


def read_url(url: str, *, on_loopback: bool = False) -> Url:
    """Return an address in its parts.

    Raises:
        TargetRefused: Webhooks may not be sent there; says which rule the address breaks.
    """
    parts = _PARTS.fullmatch(url) if len(url) <= URL_CHARS_MAX and url.isascii() else None
    if parts is None:
        message = "the address is not of the form https://host/path"
        fix = f"write it in lower case up to the path, with no user, in at most {URL_CHARS_MAX} characters"
        raise TargetRefused(message, fix=fix)
    scheme, host, target = parts["scheme"], parts["host"], parts["target"] or "/"
    if on_loopback:
        _refuse_unless(host in LOOPBACK_HOSTS, "a development endpoint is on this machine", "use 127.0.0.1")
        _refuse_unless(scheme in _PORT_OF, "the address is not one of https or http", "begin with https://")
    else:
        _refuse_unless(scheme == "https", "the address is not one of https", "begin with https://")
        _refuse_unless(
            len(host) <= HOST_CHARS_MAX and _HOST.fullmatch(host) is not None,
            "the host is not a full host name in lower case",
            "name the host as in DNS, e.g. hooks.partner.org.uk; no IP address, no dot at its end",
        )
    port = _port(parts["port"], _PORT_OF[scheme])
    allowed = "any up to 65535" if on_loopback else " or ".join(map(str, sorted(PORTS)))
    _refuse_unless(
        port is not None and (on_loopback or port in PORTS), "the port is not one allowed", f"use {allowed}"
    )
    target = target if target.startswith("/") else f"/{target}"
    _refuse_unless(
        _TARGET.fullmatch(target) is not None,
        "the path or query has a fragment or a character that must be encoded",
        "percent-encode it; leave out # and what follows",
    )
    return Url(scheme=scheme, host=host, port=port or 0, target=target)


def _port(text: str | None, usual: int) -> int | None:
    if text is None:
        return usual
    return int(text) if _PORT.fullmatch(text) and int(text) <= PORT_MAX else None


def _refuse_unless(holds: bool, message: str, fix: str) -> None:  # noqa: FBT001 - the rule itself
    if not holds:
        raise TargetRefused(message, fix=fix)
