"""The routes below /v1: mattes of photos, jobs for videos, what the server is."""
import asyncio
import io
import json
import zipfile
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from bgmatting.prediction.options import PHOTO
from bgmatting.prediction.rendering import TYPES
from bgmatting.web import schema, tasks
from bgmatting.web.refusals import Refused, body, headers, refusal, without_places
from bgmatting.web.service import Service
from bgmatting.web.uploads import received

POLL = 0.25       # seconds between two looks whether the client is still there
MOST_NOTES = 4000  # characters of notes in a header
MEDIA_TYPES = {".png": "image/png", ".webp": "image/webp", ".tif": "image/tiff", ".jpg": "image/jpeg",
               ".zip": "application/zip", ".webm": "video/webm", ".mp4": "video/mp4", ".mov": "video/quicktime"}


class Answering(APIRoute):
    """A route whose errors are answered in the one shape of errors. request.state.folder: the request's, if it has one."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answered(request):
            try:
                return await handler(request)
            except (HTTPException, RequestValidationError):
                raise
            except Exception as error:
                return failed(error, *filter(None, [getattr(request.state, "folder", None)]))
        return answered


def router(service: Service) -> APIRouter:
    """The routes of photos and of what the server is."""
    routes = APIRouter(prefix="/v1", route_class=Answering)

    @routes.post("/mattes", tags=["photos"], **schema.MATTES)
    async def make_mattes(request: Request):
        """Matte a pair of photos: one image, or a ZIP for several types."""
        with service.storage.request() as folder:
            request.state.folder = folder
            form = await received(request, folder, tasks.FIELDS, ("src", "bgr", "target"),
                                  schema.names_of(schema.MATTES))
            task = await run_in_threadpool(tasks.task_of, form, folder, service, PHOTO)
            report = await waited(request, service.photos.submit(task.run, service.matter))
            return await run_in_threadpool(_response, report, Path(task.source.name).stem, folder)

    @routes.get("/health", tags=["server"], **schema.HEALTH)
    def health():
        """Return whether the server works, for monitoring; needs no token."""
        return {"status": "ok" if service.ready else "starting", "waiting": service.photos.waiting,
                "films_waiting": service.films.waiting}

    @routes.get("/info", tags=["server"], **schema.INFO)
    def info():
        """Describe the network and the limits of this server."""
        settings = service.settings
        return {"network": service.facts(), "types": TYPES, "limits": {
            "pixels": settings.max_pixels, "bytes": settings.max_bytes, "film_seconds": settings.max_seconds,
            "upload_seconds": settings.upload_seconds, "queue": settings.queue, "keep_seconds": settings.keep_seconds}}

    return routes


async def waited(request: Request, future: Future) -> Any:
    """The result of ``future``. Raises Refused (410) where the client left while it waited in line."""
    task = asyncio.wrap_future(future)
    while not (await asyncio.wait((task,), timeout=POLL))[0]:
        if await request.is_disconnected() and future.cancel():
            raise Refused(410, "the client has left.")
    return task.result()


def _response(report, name, folder):
    """One image, or a ZIP of several."""
    notes = json.dumps([without_places(note, [folder]) for note in report.notes])[:MOST_NOTES]
    first, *others = report.paths
    data, path = (zipped(report.paths), Path(f"{name}.zip")) if others else (first.read_bytes(), first)
    return Response(data, media_type=MEDIA_TYPES[path.suffix], headers={
        "X-Notes": notes, "Content-Disposition": disposition(path.name),
        "Server-Timing": f"matte;dur={1000 * report.seconds:.0f}"})


def zipped(files: Iterable[Path]) -> bytes:
    """The bytes of a ZIP of files, which are compressed already."""
    data = io.BytesIO()
    write_zip(files, data)
    return data.getvalue()


def write_zip(files: Iterable[Path], target: Path | BinaryIO) -> None:
    """Write a ZIP of files, which are compressed already, by their own names."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in files:
            archive.write(path, path.name)


def disposition(name: str) -> str:
    """The header Content-Disposition for a file of any name."""
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else "_" for sign in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def failed(error: Exception, *folders: Path) -> JSONResponse:
    """The answer for an error: JSON of one shape."""
    refused = refusal(error, folders)
    return JSONResponse(body(refused), refused.status, headers(refused))
