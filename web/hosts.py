"""Who a request was meant for, and which web page sent it: Host, Origin, and what a proxy says of both.

A web page can have the user's browser send requests to this server, and by a name of its own that leads to 127.0.0.1 (DNS
rebinding) even read the answers. The browser then tells the foreign name in Host, or the foreign page in Origin.
"""
from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from bgmatting.utils.errors import UserError
from bgmatting.web.refusals import Refused
from bgmatting.web.settings import Settings, is_loopback

SAFE = ("GET", "HEAD", "OPTIONS")
PORTS = {"http": 80, "https": 443}
AUTHORITY = re.compile(r"(?P<name>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{0,5}))?")
FORWARDED = (b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-prefix", b"x-forwarded-port",
             b"forwarded", b"x-gradio-server")  # nobody behind here sees these: what is trusted of them is in the scope then
PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")


class Authority(NamedTuple):
    """Name, in lower case and without the brackets of IPv6, and port of an address; None where none is named."""
    name: str
    port: int | None

    @classmethod
    def of(cls, text: str) -> Authority | None:
        """None where ``text`` is no host with or without a port."""
        found = AUTHORITY.fullmatch(text.strip().lower())
        if found is None or int(found["port"] or 0) > 65535:
            return None
        name = found["name"].strip("[]")
        return cls(name[:-1] if name.endswith(".") else name, int(found["port"]) if found["port"] else None)


def headers_of(scope: dict, name: bytes) -> list[str]:
    """The values of a header, as often as it comes."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def header(scope: dict, name: bytes) -> str:
    """The first value of a header; "" where there is none."""
    return next(iter(headers_of(scope, name)), "")


class Hosts:
    """The names of a server, and what it takes from whom."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._any, self._names = "*" in settings.allowed_hosts, []
        for host in settings.allowed_hosts:
            named = Authority.of(host[1:] if host.startswith("*.") else host)
            if named is None and host != "*":
                raise UserError(f"--allowed-hosts takes names such as matting.example.com or *.example.com, not {host}.")
            self._names += [named] if named else []
        self._checked = settings.is_local or bool(settings.allowed_hosts)

    def forwarded(self, scope: dict) -> dict:
        """The scope of a request as the client sent it, for one that a trusted proxy has handed on; others as they are.

        Headers of proxies are taken out either way; the path holds the prefix that the server has at the proxy, as
        ASGI wants it, and "client" is who asked the first of the trusted proxies.
        """
        headers = [(name, value) for name, value in scope["headers"] if name not in FORWARDED]
        prefix = self._settings.root_path
        if self._is_trusted((scope.get("client") or ("",))[0]):
            protocol = _last(scope, b"x-forwarded-proto").lower()
            if protocol in PORTS:
                scope = {**scope, "scheme": protocol}
            scope = {**scope, "client": (self._client(scope), 0)}
            prefix = _prefix(_last(scope, b"x-forwarded-prefix")) or prefix
            host = Authority.of(_last(scope, b"x-forwarded-host"))
            if host is not None and self._named(host.name):
                headers = [(name, value) for name, value in headers if name != b"host"]
                headers.append((b"host", _last(scope, b"x-forwarded-host").strip().encode("latin-1")))
        scope = {**scope, "headers": headers}
        if prefix:
            path = scope["path"] if scope["path"].startswith(f"{prefix}/") else f"{prefix}{scope['path']}"
            scope.update(root_path=prefix, path=path)
        return scope

    def check(self, scope: dict) -> None:
        """Raise Refused (400, 403) for a request that another web page sent, or that was meant for another server."""
        hosts = headers_of(scope, b"host")
        host = Authority.of(hosts[0]) if len(hosts) == 1 else None
        if self._any:
            return
        if self._checked and (host is None or not self._knows(host.name)):
            said = hosts[0][:80] if len(hosts) == 1 else f"{len(hosts)} names"
            raise Refused(400 if host is None else 403, f"the request is for {said}, and this server has no such name. "
                                                        f"--allowed-hosts gives it one.")
        for origin in headers_of(scope, b"origin"):
            if not self._is_own(origin, host):
                raise Refused(403, f"a web page of {origin[:80]} sent the request; only the server's own may. "
                                   f"--allowed-hosts gives it the name that it has at a proxy.")
        if header(scope, b"sec-fetch-site") == "cross-site" and not _is_visit(scope):
            raise Refused(403, "another web page sent the request; only the server's own may.")

    def _knows(self, name):
        return is_loopback(name) or name == self._settings.host.lower() or bool(self._named(name))

    def _named(self, name):
        """The entry of --allowed-hosts that a name matches."""
        return [one for one in self._names if name == one.name or one.name.startswith(".") and name.endswith(one.name)]

    def _is_own(self, origin, host):
        scheme, _, rest = origin.strip().lower().partition("://")
        sender = Authority.of(rest)
        if scheme not in PORTS or sender is None:
            return False  # "null" is what pages without an origin of their own send
        port = sender.port or PORTS[scheme]
        if host is not None and sender.name == host.name and port in (PORTS.values() if host.port is None else (host.port,)):
            return True
        # At a proxy that keeps its name or port to itself; other ports of this machine are other servers.
        return not is_loopback(sender.name) and any(port in (*PORTS.values(), one.port) for one in self._named(sender.name))

    def _client(self, scope):
        passed = [address.strip() for line in headers_of(scope, b"x-forwarded-for") for address in line.split(",")]
        return next((address for address in reversed(passed) if not self._is_trusted(address)), scope["client"][0])

    def _is_trusted(self, address):
        try:
            client = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        client = getattr(client, "ipv4_mapped", None) or client
        return any(client in network for network in self._settings.trusted_proxies)


def absolute_form(scope: dict) -> dict:
    """The scope of a request whose target is a whole address (http://host/path), with its path alone. Raises Refused (400)
    for what is no path, or an address of another host than the header Host names."""
    path = scope["path"]
    if path.startswith("/"):
        return scope
    parts = urlsplit(path)
    if parts.scheme.lower() not in PORTS or Authority.of(parts.netloc) != Authority.of(header(scope, b"host")):
        raise Refused(400, "the request's target is neither a path nor an address of this server.")
    path = parts.path or "/"
    return {**scope, "path": path}


def _is_visit(scope):
    """Whether somebody followed a link: other pages may lead here."""
    return scope.get("method") in SAFE and header(scope, b"sec-fetch-mode") in ("navigate", "")


def _last(scope, name):
    """The word of the proxy nearest to the server."""
    return (headers_of(scope, name) or [""])[-1].rpartition(",")[2].strip()


def _prefix(text):
    text = text.rstrip("/")
    return text if PREFIX.fullmatch(text) and "/." not in text else ""
