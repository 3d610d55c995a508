"""Checks before anything else of a request: who sent it, its token, its size, how long it takes to arrive."""
from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable
from urllib.parse import parse_qsl, quote, urlencode

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Send

from bgmatting.web.hosts import Hosts, absolute_form, header, headers_of
from bgmatting.web.refusals import Refused, body, headers
from bgmatting.web.settings import Settings

OPEN = ("/v1/health",)   # needs no token
DRAIN_SECONDS = 2.0
POLICY = ("default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
          "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
          "worker-src 'self' blob:; frame-ancestors {}; base-uri 'self'; form-action 'self'")  # browsers call nobody else


def policy_headers(settings: Settings) -> list[tuple[bytes, bytes]]:
    """Headers of every answer to browsers."""
    return [(b"content-security-policy", POLICY.format(settings.frame_ancestors).encode()),
            (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"same-origin")]


def route_of(scope: dict) -> str:
    """The path of a request below that of the server."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


class Guard:
    """ASGI middleware.

    Args:
        check: (path, address of the client) -> None, which raises Refused for a POST that would find no place. took: called
            with the size of each piece of a body; raises Refused where there is no room for it.
    """

    def __init__(self, app: ASGIApp, settings: Settings, check: Callable = lambda path, client: None,
                 took: Callable[[int], None] = lambda size: None) -> None:
        self._app, self._settings, self._check_place, self._took = app, settings, check, took
        self._hosts, self._door, self._always = Hosts(settings), Door(settings.token), policy_headers(settings)

    async def __call__(self, scope, receive, send):
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # nothing here speaks it
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answered(message):
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *self._always]}
            await send(message)

        try:
            scope = self._hosts.forwarded(absolute_form(scope))
            self._hosts.check(scope)
            if self._door.is_asked(scope):
                await self._door.let_in(scope, answered)
                return
            self._check(scope)
        except Refused as refused:
            await _answer(refused, receive, answered)
            return
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # routes know no other; the server leaves the body out
        bounded = _Bounded(self._settings, self._took, scope, receive, answered)
        try:
            await self._app(scope, bounded.receive, bounded.send)
        except Refused as refused:
            if bounded.refused is not refused:
                raise
        if bounded.refused is not None:
            await bounded.answer()

    def _check(self, scope):
        route = route_of(scope)
        if route not in OPEN and not self._door.is_open(scope):
            raise Refused(401, "this server wants a token: the header Authorization: Bearer WORD, or /?token=WORD once in a "
                               "browser.")
        if scope.get("method") != "POST":
            return
        length = header(scope, b"content-length")
        self._settings.check_request(int(length) if length.isdigit() else 0)
        self._check_place(route, scope.get("client"))


class Door:
    """Who brings the token, or what a browser was given for it. token: None where everybody may come in."""

    def __init__(self, token: str | None) -> None:
        self._words = [token.encode(coding) for coding in ("utf-8", "latin-1")  # clients send either
                       if token and token.encode(coding, "ignore").decode(coding) == token]
        # Browsers send a cookie to every port of a host: it tells nothing of the token, and each server has its own.
        self._session = secrets.token_urlsafe(32).encode()
        self._cookie = f"matting_{secrets.token_hex(4)}"

    def is_open(self, scope: dict) -> bool:
        """Return whether a request may pass."""
        if not self._words:
            return True
        kind, _, word = header(scope, b"authorization").strip().partition(" ")
        if kind.lower() == "bearer" and self._is_word(word.strip().encode("latin-1")):
            return True
        cookies = (pair.strip().partition("=") for line in headers_of(scope, b"cookie") for pair in line.split(";"))
        return any(hmac.compare_digest(value.encode("latin-1"), self._session)
                   for name, _, value in cookies if name == self._cookie)

    def is_asked(self, scope: dict) -> bool:
        """Return whether a browser brings the token in its address."""
        return bool(self._words) and scope["method"] in ("GET", "HEAD") and any(
            self._is_word(word.encode()) for name, word in _query(scope) if name == "token")

    async def let_in(self, scope: dict, send: Send) -> None:
        """The browser gets a cookie, and its address no longer shows the token."""
        rest = urlencode([(name, word) for name, word in _query(scope) if name != "token"])
        place = quote("/" + scope["path"].lstrip("/\\"), safe="/~!$&'()*+,;=:@") + (f"?{rest}" if rest else "")
        cookie = f"{self._cookie}={self._session.decode()}; HttpOnly; SameSite=Lax; Path={scope.get('root_path') or '/'}"
        cookie += "; Secure" if scope.get("scheme") == "https" else ""
        await Response(None, 303, {"Location": place, "Set-Cookie": cookie, "Cache-Control": "no-store"})(scope, None, send)

    def _is_word(self, given):
        return any(hmac.compare_digest(given, word) for word in self._words)


class _Bounded:
    """The two ends of a request whose body may have so many bytes and take so long; ``refused`` where it did not."""

    def __init__(self, settings, took, scope, receive, send):
        self._settings, self._took, self._receive, self._send = settings, took, receive, send
        self._end, self._count, self._begun, self.refused = time.monotonic() + settings.upload_seconds, 0, False, None
        self._whole, length = False, header(scope, b"content-length")
        self._bare = length in ("", "0") and not header(scope, b"transfer-encoding")  # no body will come

    async def receive(self):
        if self._whole:
            return await self._receive()
        if self.refused is not None:
            raise self.refused
        try:
            message = await asyncio.wait_for(self._receive(), max(self._end - time.monotonic(), 0.001))
        except asyncio.TimeoutError:
            self.refused = Refused(408, f"the request took more than {self._settings.upload_seconds:.0f} s to arrive.")
            raise self.refused from None
        size = len(message.get("body", b""))
        self._count += size
        self._whole = message["type"] == "http.disconnect" or not message.get("more_body", False)
        try:
            self._settings.check_request(self._count)
            if size:  # requests without a body may go on: who fetches a result, makes room
                self._took(size)
        except Refused as refused:
            self.refused = refused
            raise
        return message

    async def send(self, message):
        if self.refused is not None and not self._begun:
            return  # whatever was made of the refusal: ``answer`` says it
        if message["type"] == "http.response.start":
            self._begun = True
        if message["type"] == "http.response.body" and not (self._whole or self._bare or message.get("more_body")):
            await self._send({**message, "more_body": True})
            await _drain(self._receive)
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def answer(self):
        if not self._begun:
            await _answer(self.refused, self._receive, self._send)


async def _answer(refused, receive, send):
    """Send a refusal at once, then read on for a moment what the client still sends."""
    answer = JSONResponse(body(refused), refused.status, {**headers(refused), "Connection": "close"})
    await send({"type": "http.response.start", "status": refused.status, "headers": answer.raw_headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    await _drain(receive)
    await send({"type": "http.response.body", "body": b""})


async def _drain(receive):
    """Read for a moment what a client still sends after its answer: or it would not see that."""
    end = time.monotonic() + DRAIN_SECONDS
    try:
        while (left := end - time.monotonic()) > 0:
            message = await asyncio.wait_for(receive(), left)
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                break
    except asyncio.TimeoutError:
        pass


def _query(scope):
    return parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
