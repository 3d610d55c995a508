"""The whole server: API, reference and page in one process."""
from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bgmatting.utils.errors import UserError
from bgmatting.web.settings import Settings

if TYPE_CHECKING:
    from bgmatting.media.decoding import InPlace, Isolated
    from bgmatting.web.guard import Guard

QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"}
NEEDED = "app.py needs packages that are not installed here ({}): pip install -r requirements-web.txt, or sh run.sh web."


def check_packages(page: bool = True) -> None:
    """Raise UserError where the packages of requirements-web.txt are missing."""
    os.environ.update(QUIET)  # before gradio is imported
    try:
        import fastapi  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401
        if page:
            import gradio  # noqa: F401
    except ImportError as error:
        raise UserError(NEEDED.format(error.name or error)) from None


def make_app(settings: Settings, open_matter: Callable[[], Any], page: bool = False,
             unopened: Callable[[Exception], None] | None = None,
             open_alone: Callable[[], Any] | None = None, decoding: InPlace | Isolated | None = None) -> Guard:
    """The ASGI application; closing is part of its lifespan, and its attribute ``service`` is the ``web.service.Service``.

    Args:
        open_matter, open_alone, decoding: as ``Service``. page: whether the page is there, too. unopened: None, or the
            network is opened at the start, beside the first requests, and this called with the reason where it cannot be.
    """
    check_packages(page)
    from bgmatting.web.camera import Cameras
    from bgmatting.web.connections import client_key
    from bgmatting.web.guard import Guard
    from bgmatting.web.jobs import Jobs
    from bgmatting.web.service import Service
    service = Service(settings, open_matter, open_alone, decoding)
    jobs, cameras = Jobs(service), Cameras(service)

    @contextlib.asynccontextmanager
    async def lifespan(_):
        service.storage.start(jobs.sweep, cameras.sweep)
        if unopened is not None:
            threading.Thread(target=_warm, args=(service, unopened), daemon=True).start()
        try:
            yield
        finally:
            jobs.close()
            service.close()

    app = _with_routes(service, jobs, cameras, lifespan)
    if page:
        from bgmatting.web.page.build import add_page
        app = add_page(app, service, jobs)
    lanes = {"/v1/mattes": service.photos, "/v1/jobs": service.films}

    def check(route, client):
        if route in lanes:
            lanes[route].check()
        if route == "/v1/jobs":
            jobs.check(client_key(client))

    guarded = Guard(app, settings, check, service.storage.took)
    guarded.service = service
    return guarded


def _with_routes(service, jobs, cameras, lifespan):
    """The FastAPI application with all routes but the page."""
    from fastapi import FastAPI
    from starlette.routing import Match

    from bgmatting.web import api, camera, docs_page, jobs_api
    from bgmatting.web.refusals import Refused
    app = FastAPI(title="Background matting", version="1", docs_url=None, redoc_url=None, lifespan=lifespan,
                  description="Mattes from a photo or video and a shot of the same scene without the subject.")
    for routes in (api.router(service), jobs_api.router(service, jobs), camera.router(service, cameras),
                   docs_page.router(app)):
        app.include_router(routes)

    @app.exception_handler(404)
    @app.exception_handler(405)
    async def unknown(request, error):
        answer = api.failed(Refused(error.status_code, f"no such address: {request.method} {request.url.path[:100]}. "
                                                       f"/docs lists them."))
        if error.status_code == 405:
            there = [method for method in ("DELETE", "GET", "POST")
                     if any(route.matches({**request.scope, "method": method})[0] == Match.FULL for route in app.routes)]
            answer.headers["Allow"] = ", ".join([*there, *(["HEAD"] if "GET" in there else [])])
        return answer

    return app


def _warm(service, unopened):
    try:
        service.matter()
    except Exception as error:
        unopened(error)


def run(settings: Settings, open_matter: Callable[[], Any], page: bool, opened: Callable[[str], None],
        open_alone: Callable[[], Any] | None = None) -> None:
    """Serve until Ctrl-C. ``opened``: called with the address once it listens; the others as ``make_app``.

    Raises:
        UserError: packages are missing, the address cannot be had, or the network cannot be opened.
    """
    check_packages(page)
    import uvicorn

    from bgmatting.web.connections import Crowd, most_connections, protocol_of
    from bgmatting.web.log import Sparing
    most = most_connections()
    with bound(settings.host, settings.port) as listening, contextlib.redirect_stderr(Sparing(sys.stderr)):
        port = listening.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        address = f"http://{'127.0.0.1' if host in ('0.0.0.0', '[::]') else host}:{port}"
        reasons = []

        def unopened(error):
            reasons.append(error)
            server.should_exit = True

        app = make_app(settings, open_matter, page, unopened, open_alone=open_alone)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_keep_alive=10, lifespan="on", timeout_graceful_shutdown=5,
            server_header=False, proxy_headers=False, ws="none", http=protocol_of(Crowd(most)),
            backlog=min(128, max(8, most // 2)))  # as many are taken at once, before any can be refused
        server = uvicorn.Server(config)
        threading.Thread(target=_tell, args=(server, opened, address), daemon=True).start()
        try:
            asyncio.run(server.serve(sockets=[listening]))
        finally:
            app.service.close()
    if reasons:
        raise reasons[0]


def _tell(server, opened, address):
    while not server.started and not server.should_exit:
        time.sleep(0.05)
    if server.started:
        opened(address)


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises UserError where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise UserError(f"cannot listen at {host}, port {port}: {error.strerror}. Another program may; name another with "
                        f"--port, or 0 for any that is free.") from None
    return listening
