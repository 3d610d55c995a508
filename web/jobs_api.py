"""The routes /v1/jobs: videos and ZIPs."""
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from bgmatting.prediction.options import PHOTOS, VIDEO
from bgmatting.web import schema, tasks
from bgmatting.web.api import MEDIA_TYPES, Answering, disposition, zipped
from bgmatting.web.connections import client_key
from bgmatting.web.jobs import CANCELLED, DONE, FAILED, Job, Jobs
from bgmatting.web.refusals import Refused, body, without_places
from bgmatting.web.service import Service
from bgmatting.web.uploads import received


def router(service: Service, jobs: Jobs) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/jobs", tags=["videos"], route_class=Answering)

    @routes.post("", **schema.JOBS)
    async def begin(request: Request):
        """Begin a video, or a ZIP of photos (part zip instead of src and bgr); answers at once with the job's id."""
        request.state.folder = folder = service.storage.folder()
        try:
            form = await received(request, folder, tasks.FIELDS, tasks.FILES)
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
        return _result(jobs.get(key), name)

    return routes


def state(job: Job) -> dict[str, Any]:
    """What a client is told of a job."""
    left = job.seconds_left
    return {"id": job.id, "state": job.state, "frames": job.done, "frames_in_all": job.in_all,
            "seconds_left": None if left is None else round(left, 1),
            "notes": [without_places(note, [job.folder]) for note in job.notes],
            **(body(job.error) if job.error is not None else {"error": None})}


def _result(job, name):
    if job.state == FAILED:
        raise job.error
    if job.state == CANCELLED:
        raise Refused(410, "the job was cancelled.")
    if job.state != DONE:
        raise Refused(409, f"the job is {job.state}; come back when it is done.")
    files = [path for path in job.files if name in ("", path.name)]
    if not files:
        raise Refused(404, f"the job made no file of the name {name[:80]}.")
    if len(files) == 1:
        path = files[0]
        return FileResponse(path, media_type=MEDIA_TYPES[path.suffix],
                            headers={"Content-Disposition": disposition(path.name)})
    return Response(zipped(files), media_type="application/zip",
                    headers={"Content-Disposition": disposition("mattes.zip")})
