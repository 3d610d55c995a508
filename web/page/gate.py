"""Requests of the page to Gradio: the routes that it uses, and of files only those that were uploaded or made here.

Gradio takes any path of the machine, and any address, for a file that an event hands in, and relies on a check of its own.
Here none comes so far: outside, the folder of the page's files is called ``uploads``, and no other path has a name.
"""
from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote, unquote

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from bgmatting.web.connections import most_connections
from bgmatting.web.guard import route_of
from bgmatting.web.hosts import header
from bgmatting.web.refusals import Refused, body

NAME = "uploads"
API = "/gradio_api"
FILE = f"{API}/file="
READ = re.compile(r"/|/config/?|/theme\.css|/(assets|static)/.+")
LASTING = re.compile(rf"{API}/(upload_progress|queue/data|heartbeat/[\w-]+)")  # answers that end when the browser leaves
ASKED = re.compile(rf"{API}/(run/predict|queue/join|cancel|reset)/?")  # by POST, with JSON
UPLOAD = re.compile(rf"{API}/upload/?")
MOST_JSON = 1 << 20  # bytes of an event: files come by themselves
SHOWN = re.compile(r"image/(png|jpeg|webp|gif|bmp|avif)|(video|audio)/[\w.+-]+")  # in the page; all else is only downloaded
SANDBOX = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; sandbox")
TEXT = ("application/json", "text/event-stream")


class Gate:
    """ASGI middleware. folder: of the page's files, where Gradio puts uploads. mounts: paths of the pages."""

    def __init__(self, app: ASGIApp, folder: Path, mounts: tuple) -> None:
        self._app, self._folder, self._mounts = app, Path(folder).resolve(), mounts
        self._lasting, self._most_lasting = 0, most_connections() // 2  # the others are for what ends by itself
        place = str(self._folder)
        self._places = sorted({place, json.dumps(place)[1:-1], json.dumps(place, ensure_ascii=False)[1:-1], quote(place)},
                              key=len, reverse=True)  # the spellings that answers use

    async def __call__(self, scope, receive, send):
        route = route_of(scope) if scope["type"] == "http" else ""
        mount = next((mount for mount in self._mounts if route.startswith(f"{mount}/")), None)
        if mount is None:
            await self._app(scope, receive, send)
            return
        try:
            scope, receive = await self._let(scope, receive, mount, route[len(mount):])
        except Refused as refused:
            await JSONResponse({**body(refused), "detail": str(refused)}, refused.status)(scope, receive, send)
            return
        lasts = LASTING.fullmatch(route[len(mount):]) is not None
        self._lasting += lasts
        try:
            await self._app(scope, receive, self._hiding(send, route[len(mount):].startswith(FILE)))
        finally:
            self._lasting -= lasts

    async def _let(self, scope, receive, mount, route):
        """(scope, receive) for Gradio. Raises Refused (400, 403, 404)."""
        root = f"{scope.get('scheme', 'http')}://{header(scope, b'host')}{scope.get('root_path', '')}{mount}"
        headers = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding" or not route.startswith(API)]
        scope = {**scope, "headers": [*headers, (b"x-gradio-server", root.encode("latin-1"))]}
        if scope["method"] == "GET" and route.startswith(FILE):
            return {**scope, "path": f"{scope.get('root_path', '')}{mount}{FILE}{self._file(route[len(FILE):])}"}, receive
        if scope["method"] == "GET" and LASTING.fullmatch(route):
            if self._lasting >= self._most_lasting:
                raise Refused(429, f"{self._lasting} pages are open, and no more may be. Close some.")
            return scope, receive
        if scope["method"] == "GET" and READ.fullmatch(route) or scope["method"] == "POST" and UPLOAD.fullmatch(route):
            return scope, receive
        if scope["method"] != "POST" or not ASKED.fullmatch(route):
            raise Refused(404, "no such address.")
        data = await self._event(receive)
        scope["headers"] = _changed(scope["headers"], {"content-type": "application/json", "transfer-encoding": None,
                                                       "content-length": str(len(data))})
        return scope, _replay(data, receive)

    async def _event(self, receive):
        """The JSON of an event with paths of this machine. Raises Refused for what names any other file, or is none."""
        data = bytearray()
        while True:
            message = await receive()
            data += message.get("body", b"")
            if len(data) > MOST_JSON:
                raise Refused(413, f"an event has at most {MOST_JSON} bytes.")
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                break
        try:
            event = json.loads(bytes(data))
            if isinstance(event, dict):
                return json.dumps(self._placed(event)).encode()
        except Refused:
            raise
        except (ValueError, RecursionError):
            pass
        raise Refused(400, "the event is no JSON object.")

    def _placed(self, value):
        """``value`` with the paths of files on this machine; their addresses, which Gradio could fetch, are left out."""
        if isinstance(value, list):
            return [self._placed(one) for one in value]
        if not isinstance(value, dict):
            return value
        path, url = value.get("path"), value.get("url")
        if url and (not isinstance(url, str) or not isinstance(path, str) or not unquote(url).endswith(f"{FILE}{path}")):
            raise Refused(403, "an event names an address; files are uploaded.")
        if path and not isinstance(path, str):
            raise Refused(400, "a file's path is text.")
        made = {key: self._placed(one) for key, one in value.items() if key not in ("path", "url")}
        return {**made, **({"path": str(self._file(path)) if path else None} if "path" in value else {})}

    def _file(self, name):
        """The path of a file by its name outside. Raises Refused (403) where that is none of the page's."""
        first, _, rest = name.partition("/")
        try:
            path = Path(self._folder, rest).resolve() if first == NAME and rest and not rest.startswith("/") else None
            if path is not None and self._folder in path.parents and path.is_file():
                return path
        except (OSError, ValueError, RuntimeError):
            pass  # too long, a NUL, a loop of links
        raise Refused(403, "no such file was uploaded here, or it is gone by now. Add it again.")

    def _hiding(self, send, is_file):
        """``send`` without paths of this machine; what could be live in a browser is a download."""
        held, kind, parts = None, "", []

        async def hide(message):
            nonlocal held, kind
            if message["type"] == "http.response.start":
                kind = Headers(raw=message["headers"]).get("content-type", "")
                if is_file:
                    message = {**message, "headers": _harmless(message["headers"], kind)}
                elif kind.startswith(TEXT):
                    held = message
                    if kind.startswith(TEXT[0]):
                        return
                await send(message)
            elif held is None or message["type"] != "http.response.body":
                await send(message)
            elif kind.startswith(TEXT[0]):
                parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    data = self._hidden(b"".join(parts))
                    await send({**held, "headers": _changed(held["headers"], {"content-length": str(len(data))})})
                    await send({**message, "body": data})
            else:
                await send({**message, "body": self._hidden(message.get("body", b""))})
        return hide

    def _hidden(self, data):
        for place in self._places:
            data = data.replace(place.encode(), NAME.encode())
        return data


def _harmless(headers, kind):
    """Headers of an uploaded file: nothing of it runs, and only images, sound and video are shown."""
    if SHOWN.fullmatch(kind.partition(";")[0].strip().lower()):
        return [*headers, SANDBOX]
    return [*_changed(headers, {"content-type": "application/octet-stream", "content-disposition": "attachment"}), SANDBOX]


def _changed(headers, changes):
    """Headers with {name: value, or None for none} in place of their own."""
    kept = [(name, value) for name, value in headers if name.lower().decode("latin-1") not in changes]
    return kept + [(name.encode(), value.encode()) for name, value in changes.items() if value is not None]


def _replay(data, receive):
    """A ``receive`` that gives ``data`` first."""
    rest = [{"type": "http.request", "body": data, "more_body": False}]

    async def again():
        return rest.pop() if rest else await receive()
    return again
