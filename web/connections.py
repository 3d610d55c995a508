"""Connections that may not stay: those that send nothing, or half a request, or take no answer, and those that are too many.

uvicorn waits for ever for the end of a request's head, and takes connections until the process has no descriptors left.
"""
from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import Counter
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0    # from the start of a connection, or the end of an answer, to the end of the next request's head
UNREAD_SECONDS = 60.0  # that a client may leave an answer unread
MOST = 512             # connections, where the process may have descriptors enough
SHARE = 4              # of the descriptors, one in so many is for connections: each may open files
LEAST = 8
BUSY = (b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 5\r\nconnection: close\r\n"
        b"content-length: %d\r\n\r\n%s")
BUSY_BODY = b'{"error": {"status": 503, "code": "busy", "message": "too many connections are open. Try again later."}}'


def most_connections() -> int:
    """Return how many connections may be open at once: a share of the descriptors that the process may have."""
    try:
        import resource
    except ImportError:  # Windows
        return MOST
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if allowed == resource.RLIM_INFINITY else max(LEAST, min(MOST, allowed // SHARE))


class Crowd:
    """The connections of a server, ``most`` at once.

    Where one more comes than may be, the one goes that keeps the server waiting and was silent longest; where all are at
    work, the new one is refused. An address that is not of this machine has half of the places at most."""

    def __init__(self, most: int) -> None:
        self._most, self._open = most, {}  # {connection: key of its address}, the oldest first

    def admits(self, connection: Connection) -> bool:
        """Return whether a new connection may stay; it is counted until ``left``."""
        key = client_key(connection.client)
        if key is not None and Counter(self._open.values())[key] >= max(1, self._most // 2):
            self._drop_one(key)
            if Counter(self._open.values())[key] >= max(1, self._most // 2):
                return False
        if len(self._open) >= self._most:
            self._drop_one()
        if len(self._open) >= self._most:
            return False
        self._open[connection] = key
        return True

    def left(self, connection: Connection) -> None:
        """A connection is over."""
        self._open.pop(connection, None)

    def _drop_one(self, key=None):
        waiting = (one for one, its in self._open.items() if one.is_owing and key in (None, its))
        silent = min(waiting, key=lambda one: one.heard, default=None)
        if silent is not None:
            self._open.pop(silent)
            silent.transport.abort()  # at once, with its descriptor


def client_key(client: tuple | None) -> str | None:
    """The key of one address: a network of 2^64 for IPv6; None for this machine, where proxies are."""
    try:
        address = ipaddress.ip_address((client or ("",))[0].partition("%")[0])
    except ValueError:
        return None
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback:
        return None
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


class Connection(H11Protocol):
    """uvicorn's protocol with an end to waiting. A subclass has the server's ``crowd``."""
    crowd: Crowd

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._timer = self._unread = None
        self.heard = time.monotonic()

    @property
    def is_owing(self) -> bool:
        """Whether the server waits for the client: for a request, the rest of one, or that it takes the answer."""
        return self.is_waiting or self.conn.their_state is h11.SEND_BODY or self.flow.write_paused

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is under way: no request's head is there yet, or the last one was answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        if not self.crowd.admits(self):
            transport.write(BUSY % (len(BUSY_BODY), BUSY_BODY))
            transport.close()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.left(self)
        for timer in (self._timer, self._unread):
            if timer is not None:
                timer.cancel()
        self._timer = self._unread = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self.heard = time.monotonic()
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        self.heard = time.monotonic()
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.heard = time.monotonic()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _look(self):
        """Keep the time of a connection that waits, from the moment when it began to."""
        if self.is_waiting and self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(HEAD_SECONDS, self._give_up)
        elif not self.is_waiting and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self):
        self._timer = None
        if self.is_waiting:
            if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
                self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()
            self.loop.call_later(1.0, self.transport.abort)  # should it not read that either


def protocol_of(crowd: Crowd) -> type[Connection]:
    """The class of a server's connections, for uvicorn."""
    return type("Connection", (Connection,), {"crowd": crowd})
