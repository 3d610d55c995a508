"""Work that takes minutes: begun by one request, looked at and fetched by others."""
from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path

from bgmatting.web.refusals import PARTS, Refused, refusal
from bgmatting.web.service import Service
from bgmatting.web.storage import Storage

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)


class Cancelled(Exception):
    """Somebody wants it no more."""


class Job:
    """One piece of work. folder: of its files; the job's own from here on. client: whose it is, by ``client_key``."""

    def __init__(self, folder: Path, client: str | None = None):
        self.id, self.folder, self.client, self.state = secrets.token_urlsafe(12), folder, client, QUEUED
        self.done, self.in_all, self.files, self.notes, self.error = 0, None, [], [], None
        self.ended, self._started, self._wanted = None, None, True
        self.future = None
        self.lock = threading.Lock()  # of its folder once it is done: nothing is written there while it is removed

    def progress(self, done: int, in_all: int | None) -> None:
        """Note how far it is. Raises Cancelled where nobody wants it any more."""
        if not self._wanted:
            raise Cancelled
        self.done, self.in_all = done, in_all

    def run(self, work: Callable[[Callable], tuple[list[Path], list[str]]]) -> None:
        """Do ``work(progress)`` -> (files, notes); its uploads are gone behind it."""
        try:
            self.progress(0, None)
            self.state, self._started = RUNNING, time.monotonic()
            self.files, self.notes = work(self.progress)
            state = DONE
        except Cancelled:
            state = CANCELLED
        except Exception as error:
            self.error, state = refusal(error, [self.folder]), FAILED
        self._end(state)

    def cancel(self) -> None:
        """End it after the image under way, or before it began."""
        self._wanted = False
        if self.future is not None and self.future.cancel():
            self._end(CANCELLED)

    @property
    def seconds_left(self) -> float | None:
        """None where that is not known yet."""
        if self.state != RUNNING or not self.done or not self.in_all:
            return None
        return (self.in_all - self.done) * (time.monotonic() - self._started) / self.done

    def _end(self, state):
        for part in ([part for part in PARTS if part != "out"] if state == DONE else [""]):
            Storage.remove(Path(self.folder, part))
        self.ended, self.state = time.monotonic(), state


class Jobs:
    """The jobs of a server: ``begin``, ``get``, ``drop``; those that ended long ago go by themselves."""

    def __init__(self, service: Service) -> None:
        self._service, self._jobs, self._lock = service, {}, threading.Lock()

    def begin(self, folder: Path, work: Callable, client: str | None = None) -> Job:
        """The ``Job`` that will do ``work(progress)`` for a client. Raises Refused (429) where the line is full, or as
        ``check``; the folder is the caller's then."""
        job = Job(folder, client)
        with self._lock:
            self._check(client)
            job.future = self._service.films.submit(job.run, work)
            self._jobs[job.id] = job
        return job

    def check(self, client: str | None) -> None:
        """Raise Refused (429) where a client may begin no more, or no more results may be kept."""
        with self._lock:
            self._check(client)

    def _check(self, client):
        settings = self._service.settings
        mine = sum(job.ended is None and job.client == client for job in self._jobs.values())
        if client is not None and mine >= settings.jobs_per_client:
            raise Refused(429, f"{mine} jobs of yours are under way or in line, and no more may be. Wait for one, or cancel "
                               f"it.")
        kept = sum(job.state not in (FAILED, CANCELLED) for job in self._jobs.values())
        if kept >= settings.max_results:
            raise Refused(429, f"{kept} results are kept or made here, and no more may be. Forget one of yours (DELETE "
                               f"/v1/jobs/ID), or try again in {settings.keep_seconds / 60:.0f} minutes.")

    def get(self, key: str) -> Job:
        """Raises Refused (404) where there is no such job."""
        with self._lock:
            job = self._jobs.get(key)
        if job is None:
            raise Refused(404, f"no such job: {key[:40]}. Results are kept for {self._service.settings.keep_seconds:.0f} s.")
        return job

    def drop(self, key: str) -> Job:
        """Cancel a job and forget it with all its files. Raises Refused (404)."""
        job = self.get(key)
        job.cancel()
        if job.ended is not None:
            self._forget(job)
        return job

    def sweep(self) -> None:
        """Forget what ended long ago, and what was cancelled."""
        now = time.monotonic()
        with self._lock:
            old = [job for job in self._jobs.values() if job.ended is not None
                   and (now - job.ended > self._service.settings.keep_seconds)]
        for job in old:
            self._forget(job)

    def close(self) -> None:
        """Cancel all."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()

    def _forget(self, job):
        with job.lock:
            self._service.storage.remove(job.folder)
        with self._lock:
            self._jobs.pop(job.id, None)
