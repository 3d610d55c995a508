"""The routes /v1/jobs: videos and ZIPs."""
import os
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool

from bgmatting.prediction.options import PHOTOS, VIDEO
from bgmatting.utils.files import hidden_name
from bgmatting.web import schema, tasks
from bgmatting.web.api import MEDIA_TYPES, Answering, disposition, write_zip
from bgmatting.web.connections import client_key
from bgmatting.web.jobs import CANCELLED, DONE, FAILED, Job, Jobs
from bgmatting.web.refusals import Refused, body, without_places
from bgmatting.web.service import Service
from bgmatting.web.storage import Storage
from bgmatting.web.uploads import received


def router(service: Service, jobs: Jobs) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/jobs", tags=["videos"], route_class=Answering)

    @routes.post("", **schema.JOBS)
    async def begin(request: Request):
        """Begin a video, or a ZIP of photos (part zip instead of src and bgr); answers at once with the job's id."""
        request.state.folder = folder = service.storage.folder()
        try:
            form = await received(request, folder, tasks.FIELDS, tasks.FILES, schema.names_of(schema.JOBS))
            kind = PHOTOS if "zip" in form.files else VIDEO
            task = await run_in_threadpool(tasks.task_of, form, folder, service, kind)
            job = jobs.begin(folder, partial(task.made, service.matter), client_key(request.client))
        except BaseException:
            service.storage.remove(folder)
            raise
        return JSONResponse(state(job), 202, {"Location": f"{request.scope.get('root_path', '')}/v1/jobs/{job.id}"})

    @routes.get("/{key}", **schema.JOB)
    def look(key: str):
        """Return how far a job is."""
        return state(jobs.get(key))

    @routes.delete("/{key}", **schema.JOB)
    def cancel(key: str):
        """Cancel a job, or forget its result."""
        job = jobs.drop(key)
        return {"id": job.id, "state": CANCELLED if job.state != DONE else "forgotten"}

    @routes.get("/{key}/result", **schema.RESULT)
    def result(key: str, name: str = ""):
        """The result of a job: its file, or a ZIP of several; one of them where its name is given."""
        return _result(jobs.get(key), name, service.storage)

    return routes


def state(job: Job) -> dict[str, Any]:
    """What a client is told of a job."""
    left = job.seconds_left
    return {"id": job.id, "state": job.state, "frames": job.done, "frames_in_all": job.in_all,
            "seconds_left": None if left is None else round(left, 1),
            "notes": [without_places(note, [job.folder]) for note in job.notes],
            **(body(job.error) if job.error is not None else {"error": None})}


def _result(job, name, storage):
    if job.state == FAILED:
        raise job.error
    if job.state == CANCELLED:
        raise Refused(410, "the job was cancelled.")
    if job.state != DONE:
        raise Refused(409, f"the job is {job.state}; come back when it is done.")
    files = [path for path in job.files if name in ("", path.name)]
    if not files:
        raise Refused(404, f"the job made no file of the name {name[:80]}.")
    path, name = (files[0], files[0].name) if len(files) == 1 else (packed(job, storage), "mattes.zip")
    return FileResponse(path, media_type=MEDIA_TYPES[Path(name).suffix],
                        headers={"Content-Disposition": disposition(name)})


def packed(job: Job, storage: Storage) -> Path:
    """The ZIP of all files of a job that is done, in the job's folder: written when it is first asked for, gone with the
    job. Raises Refused: the job was forgotten meanwhile (404), or the storage is full (429)."""
    path = Path(job.folder, "result")  # without a suffix: no file of a job is called so
    with job.lock:  # others who ask at the same time wait for the same file
        if not job.folder.is_dir():
            raise Refused(404, f"no such job: {job.id}. It was forgotten.")
        if not path.exists():
            storage.took(sum(file.stat().st_size for file in job.files))
            part = hidden_name(path)
            try:
                write_zip(job.files, part)
                os.replace(part, path)
            finally:
                part.unlink(missing_ok=True)
    return path
