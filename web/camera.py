"""Mattes of a browser's camera: images come one by one as JPEG, and go back so."""
from __future__ import annotations

import json
import secrets
import threading
import time
from typing import Any

import cv2
from fastapi import APIRouter, Request
from fastapi.responses import Response

from bgmatting.media.decoding import InPlace, Isolated
from bgmatting.prediction.camera.run import open_session
from bgmatting.prediction.core import fitting
from bgmatting.prediction.options import CAMERA, Options
from bgmatting.utils.errors import UserError
from bgmatting.web.api import Answering, waited
from bgmatting.web.inspection import camera_picture
from bgmatting.web.limits import CAMERA_BYTES, CAMERA_PIXELS
from bgmatting.web.refusals import Refused
from bgmatting.web.service import Service

IDLE = 30.0          # seconds without an image, after which a camera is given up
QUALITY = 85         # of the JPEG that goes back
OPTIONS = Options(target_bgr="#00b140", temporal="auto")


class Camera:
    """One browser's camera: a ``Session``, used by one request at a time. decoding: one of ``media.decoding``."""

    def __init__(self, matter: Any, decoding: InPlace | Isolated) -> None:
        self._session, self._decoding = open_session(OPTIONS, fitting(matter, OPTIONS, CAMERA)), decoding
        self._lock, self.heard, self.sends = threading.Lock(), time.monotonic(), threading.Lock()

    def key(self, sign: str) -> None:
        """Obey "b" (take the background) or "t" (next backdrop)."""
        with self._lock:
            self._session.key(sign)

    def frame(self, data: bytes) -> tuple[bytes, dict[str, Any]]:
        """(JPEG of the result, what is to be told) of a JPEG. Raises UserError for what is none, or is too large."""
        image = self._decoding.call(camera_picture, data, CAMERA_PIXELS, name="the camera's picture")
        if not image.size:
            raise Refused(413, f"pictures of a camera have at most {CAMERA_PIXELS} pixels here.")
        with self._lock:
            self.heard = time.monotonic()
            view = self._session.frame(image, time.perf_counter())
            facts = {"state": view.state, "text": view.text, "backdrop": self._session.backdrop,
                     "notes": self._session.notes[-1:]}
        done, made = cv2.imencode(".jpg", cv2.cvtColor(view.picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if not done:
            raise UserError("the image could not be encoded.")
        return made.tobytes(), facts

    def close(self) -> None:
        """Nobody uses it any more."""
        self._session.close()


class Cameras:
    """The cameras of a server."""

    def __init__(self, service: Service) -> None:
        self._service, self._open, self._lock = service, {}, threading.Lock()

    def add(self) -> str:
        """The key of a new camera. Raises Refused (429) where there are too many."""
        self.sweep()
        most, key = self._service.settings.max_cameras, secrets.token_urlsafe(12)
        with self._lock:
            if len(self._open) >= most:
                raise Refused(429, f"{most} cameras are live already. Try again later.")
            self._open[key] = None  # its place, while the network opens
        try:
            camera = Camera(self._service.matter(), self._service.decoding)
        except BaseException:
            self.drop(key)
            raise
        with self._lock:
            self._open[key] = camera
        return key

    def get(self, key: str) -> Camera:
        """Raises Refused (404) for one that was never there, or was idle for too long."""
        with self._lock:
            camera = self._open.get(key)
        if camera is None:
            raise Refused(404, "no such camera; it was idle for too long. Start it again.")
        return camera

    def drop(self, key: str) -> None:
        """End a camera."""
        with self._lock:
            camera = self._open.pop(key, None)
        if camera is not None:
            camera.close()

    def sweep(self) -> None:
        """End cameras that send nothing any more."""
        now = time.monotonic()
        with self._lock:
            old = [key for key, camera in self._open.items() if camera and now - camera.heard > IDLE]
        for key in old:
            self.drop(key)


async def sent(request: Request) -> bytes:
    """The body of a request. Raises Refused (413) before more of it is read than a camera's image may have."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > CAMERA_BYTES:
            raise Refused(413, f"pictures of a camera have at most {CAMERA_BYTES >> 20} MiB here.")
    return bytes(data)


def router(service: Service, cameras: Cameras) -> APIRouter:
    """The routes below /v1/cameras, which the page uses."""
    routes = APIRouter(prefix="/v1/cameras", include_in_schema=False, route_class=Answering)

    @routes.post("")
    def add():
        return {"id": cameras.add()}

    @routes.post("/{key}/frame")
    async def frame(request: Request, key: str):
        camera = cameras.get(key)
        if not camera.sends.acquire(blocking=False):
            raise Refused(429, "a camera sends one image at a time.")
        try:
            made = await waited(request, service.photos.submit(camera.frame, await sent(request)))
        finally:
            camera.sends.release()
        return Response(made[0], media_type="image/jpeg", headers={"X-Camera": json.dumps(made[1])})

    @routes.post("/{key}/key/{sign}")
    def press(key: str, sign: str):
        if sign not in ("b", "t"):
            raise Refused(400, f"key {sign[:10]} does nothing; b takes the background, t the next one.")
        cameras.get(key).key(sign)
        return {}

    @routes.delete("/{key}")
    def drop(key: str):
        cameras.drop(key)
        return {}

    return routes
