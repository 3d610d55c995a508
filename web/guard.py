"""What is looked at before anything else of a request: its token, its size, and the time that it takes to arrive."""
import asyncio
import hmac
import json
import time
from http.cookies import SimpleCookie
from urllib.parse import parse_qs

from bgmatting.web.refusals import Refused, body, headers

OPEN = ("/v1/health",)   # needs no token
COOKIE = "matting_token"
DRAIN_SECONDS = 2.0      # what a client still sends after a refusal is read for so long, or it would not see the answer
POLICY = ("default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
          "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
          "worker-src 'self' blob:; frame-ancestors *; base-uri 'self'; form-action 'self'")  # browsers call nobody else
ALWAYS = [(b"content-security-policy", POLICY.encode()), (b"x-content-type-options", b"nosniff"),
          (b"referrer-policy", b"no-referrer")]


class Guard:
    """ASGI middleware.

    Args:
        app: what it stands before. settings: ``web.settings.Settings``. lane_of: path -> the ``Lane`` that a POST there
            would wait in, or None.
    """

    def __init__(self, app, settings, lane_of):
        self._app, self._settings, self._lane_of = app, settings, lane_of

    async def __call__(self, scope, receive, send):
        if scope["type"] == "websocket" and not self._allowed(scope):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._settings.token and _asked(scope) == self._settings.token:
            await _let_in(scope, send)
            return
        try:
            self._check(scope)
        except Refused as refused:
            await _answer(refused, receive, send)
            return
        bounded = _Bounded(self._settings, receive, send)
        try:
            await self._app(scope, bounded.receive, bounded.send)
        except Refused as refused:
            if bounded.refused is not refused:
                raise
        if bounded.refused is not None:
            await bounded.answer()

    def _check(self, scope):
        if not self._allowed(scope):
            raise Refused(401, "this server wants a token: the header Authorization: Bearer WORD, or /?token=WORD once in a "
                               "browser.")
        if scope["method"] != "POST":
            return
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > self._settings.max_bytes:
            raise too_large(self._settings, int(length))
        lane = self._lane_of(scope["path"])
        if lane is not None:
            lane.check()

    def _allowed(self, scope):
        token = self._settings.token
        if not token or scope["path"] in OPEN:
            return True
        cookie = SimpleCookie(_header(scope, b"cookie")).get(COOKIE)
        given = [_header(scope, b"authorization").partition("Bearer ")[2], cookie.value if cookie else ""]
        return any(hmac.compare_digest(word.encode(), token.encode()) for word in given)


class _Bounded:
    """The two ends of a request whose body may have so many bytes and take so long; ``refused`` where it did not."""

    def __init__(self, settings, receive, send):
        self._settings, self._receive, self._send = settings, receive, send
        self._end, self._count, self._whole, self._begun, self.refused = time.monotonic(), 0, False, False, None
        self._end += settings.upload_seconds

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
        self._count += len(message.get("body", b""))
        self._whole = message["type"] == "http.disconnect" or not message.get("more_body", False)
        if self._count > self._settings.max_bytes:
            self.refused = too_large(self._settings, self._count)
            raise self.refused
        return message

    async def send(self, message):
        if self.refused is not None and not self._begun:
            return  # whatever was made of the refusal: ``answer`` says it
        if message["type"] == "http.response.start":
            self._begun = True
            message = {**message, "headers": [*message.get("headers", ()), *ALWAYS]}
        await self._send(message)

    async def answer(self):
        if not self._begun:
            await _answer(self.refused, self._receive, self._send)


def too_large(settings, count):
    """The Refused for a request of ``count`` bytes, so far."""
    return Refused(413, f"the request has {count / 2 ** 20:.0f} MiB or more; at most {settings.max_mib:.0f} are taken here.")


async def _answer(refused, receive, send):
    """Send a refusal at once, then read on for a moment what the client still sends."""
    data = json.dumps(body(refused)).encode()
    lines = [(name.lower().encode(), value.encode()) for name, value in headers(refused).items()]
    await send({"type": "http.response.start", "status": refused.status, "headers": [
        (b"content-type", b"application/json"), (b"content-length", str(len(data)).encode()), (b"connection", b"close"),
        *lines, *ALWAYS]})
    await send({"type": "http.response.body", "body": data, "more_body": True})
    end = time.monotonic() + DRAIN_SECONDS
    try:
        while (left := end - time.monotonic()) > 0:
            message = await asyncio.wait_for(receive(), left)
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                break
    except asyncio.TimeoutError:
        pass
    await send({"type": "http.response.body", "body": b""})


async def _let_in(scope, send):
    """The browser keeps the token, and its address no longer shows it."""
    cookie = SimpleCookie({COOKIE: _asked(scope)})
    cookie[COOKIE].update({"httponly": True, "samesite": "Lax", "path": "/"})
    await send({"type": "http.response.start", "status": 303, "headers": [
        (b"location", scope["path"].encode()), (b"set-cookie", cookie[COOKIE].OutputString().encode()), *ALWAYS]})
    await send({"type": "http.response.body", "body": b""})


def _asked(scope):
    return (parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token") or [""])[0]


def _header(scope, name):
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
