"""The page: one in each language, at /en/ and /zh/; / leads to the one that the browser asks for.

    texts       the words
    parts       components that several tabs use
    mattes      mattes of photos, kept for a while
    photos_tab  a pair of photos, or a photo without its scene
    work_tabs   videos, and ZIPs of photos
    camera_tab  the browser's camera
    build       all of it, put together
"""
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from bgmatting.web.jobs import Jobs
    from bgmatting.web.page.gate import Gate
    from bgmatting.web.service import Service


def add_page(app: FastAPI, service: Service, jobs: Jobs) -> Gate:
    """The FastAPI application with the page; see ``web.page.build``."""
    from bgmatting.web.page.build import add
    return add(app, service, jobs)
