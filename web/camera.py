"""Mattes of a browser's camera: pictures come one by one as JPEG, and go back so."""
import json
import secrets
import threading
import time
from typing import Any

import cv2
import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import Response

from bgmatting.media.formats import declared_size
from bgmatting.prediction.alignment.fitter import fitter
from bgmatting.prediction.backdrop import open_backdrop
from bgmatting.prediction.camera.session import Session
from bgmatting.prediction.smoothing import Smoother
from bgmatting.utils.errors import UserError
from bgmatting.web.api import failed, waited
from bgmatting.web.refusals import Refused

MOST = 4             # cameras at once
IDLE = 30.0          # seconds without a picture, after which a camera is given up
MOST_PIXELS = 1280 * 720
MOST_BYTES = 4 << 20
QUALITY = 85         # of the JPEG that goes back
COUNTDOWN = 3.0
BACKDROPS = (("green", "#00b140"), ("white", "white"), ("blur", "blur"))


class Camera:
    """One browser's camera: a ``Session``, used by one request at a time."""

    def __init__(self, matter):
        backdrops = [(name, open_backdrop(text)) for name, text in BACKDROPS]
        self._session = Session(matter, backdrops, None, COUNTDOWN, fitter("auto", "auto", video=True), Smoother())
        self._lock, self.heard = threading.Lock(), time.monotonic()

    def key(self, sign):
        """Obey "b" (take the background) or "t" (next backdrop)."""
        with self._lock:
            self._session.key(sign)

    def frame(self, data):
        """(JPEG of the result, what is to be told) of a JPEG. Raises UserError for what is none, or is too large."""
        image = decoded(data)
        with self._lock:
            self.heard = time.monotonic()
            view = self._session.frame(image, time.perf_counter())
            facts = {"state": view.state, "text": view.text, "backdrop": self._session.backdrop,
                     "notes": self._session.notes[-1:]}
        done, made = cv2.imencode(".jpg", cv2.cvtColor(view.picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if not done:
            raise UserError("the picture could not be encoded.")
        return made.tobytes(), facts

    def close(self):
        """Nobody uses it any more."""
        self._session.close()


class Cameras:
    """The cameras of a server. service: ``web.service.Service``."""

    def __init__(self, service):
        self._service, self._open, self._lock = service, {}, threading.Lock()

    def add(self):
        """The key of a new camera. Raises Refused (429) where there are too many."""
        self.sweep()
        with self._lock:
            if len(self._open) >= MOST:
                raise Refused(429, f"{MOST} cameras are live already. Try again later.")
        camera, key = Camera(self._matter_alone()), secrets.token_urlsafe(12)
        with self._lock:
            self._open[key] = camera
        return key

    def get(self, key):
        """Raises Refused (404) for one that was never there, or was idle for too long."""
        with self._lock:
            camera = self._open.get(key)
        if camera is None:
            raise Refused(404, "no such camera; it was idle for too long. Start it again.")
        return camera

    def drop(self, key):
        """End a camera."""
        with self._lock:
            camera = self._open.pop(key, None)
        if camera is not None:
            camera.close()

    def sweep(self):
        """End cameras that send nothing any more."""
        now = time.monotonic()
        with self._lock:
            old = [key for key, camera in self._open.items() if now - camera.heard > IDLE]
        for key in old:
            self.drop(key)

    def _matter_alone(self) -> Any:
        return _Waiting(self._service.matter)


class _Waiting:
    """A network that is opened with the first picture that needs it."""

    def __init__(self, matter):
        self._matter = matter

    def predict(self, src, bgr, want):
        return self._matter().predict(src, bgr, want)


def decoded(data):
    """uint8 RGB (H, W, 3) of a JPEG's bytes. Raises Refused (413) or UserError."""
    size = declared_size(data)
    if len(data) > MOST_BYTES or size is not None and size[0] * size[1] > MOST_PIXELS:
        raise Refused(413, f"pictures of a camera have at most {MOST_PIXELS} pixels and {MOST_BYTES >> 20} MiB here.")
    try:
        image = None if size is None else cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise UserError("the camera's picture is no JPEG, or damaged.")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def router(service, cameras):
    """The routes below /v1/cameras, which the page uses."""
    routes = APIRouter(prefix="/v1/cameras", include_in_schema=False)

    @routes.post("")
    def add():
        try:
            return {"id": cameras.add()}
        except Exception as error:
            return failed(error)

    @routes.post("/{key}/frame")
    async def frame(request: Request, key: str):
        try:
            camera = cameras.get(key)
            data = await request.body()
            made = await waited(request, service.photos.submit(camera.frame, data))
            if made is None:
                raise Refused(410, "the client has left.")
            return Response(made[0], media_type="image/jpeg", headers={"X-Camera": json.dumps(made[1])})
        except Exception as error:
            return failed(error)

    @routes.post("/{key}/key/{sign}")
    def press(key: str, sign: str):
        try:
            if sign not in ("b", "t"):
                raise Refused(400, f"key {sign[:10]} does nothing; b takes the background, t the next one.")
            cameras.get(key).key(sign)
            return {}
        except Exception as error:
            return failed(error)

    @routes.delete("/{key}")
    def drop(key: str):
        cameras.drop(key)
        return {}

    return routes
