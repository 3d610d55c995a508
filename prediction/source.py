"""Sources of mattes: classified once, opened once."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bgmatting.media import VIDEO_SUFFIXES, is_animation
from bgmatting.media.formats import kind_of
from bgmatting.media.video.opening import is_url
from bgmatting.media.video.reader import VideoReader, open_video
from bgmatting.prediction.options import CAMERA, PHOTO, PHOTOS, VIDEO
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT

PREFIX = "camera:"
SAMPLE = tuple(str(PROJECT / "image" / "sample" / name) for name in ("src.jpg", "bgr.jpg"))
HEAD = 64  # bytes that tell a file's format


class Source:
    """A source: what ``name`` refers to.

    Args:
        name: path of a photo, of a folder of photos or of a video; address of a stream; "camera:" and a number, a path or an
            address.
        kind: where that is known already.
    Attributes:
        name: as text. kind: "photo", "photos", "video" or "camera"; a path where nothing is counts by its suffix.
    """

    def __init__(self, name: str | os.PathLike, kind: str | None = None):
        self.name, self._reader = os.fspath(name), None
        if kind is not None:
            self.kind = kind
        elif is_camera(self.name):
            self.kind = CAMERA
        elif not is_url(self.name) and os.path.isdir(self.name):
            self.kind = PHOTOS
        else:
            found, self._reader = _moving(self.name)
            self.kind = VIDEO if found else PHOTO

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def reader(self) -> VideoReader:
        """The open video, which is this object's. Raises UserError where it cannot be read."""
        if self._reader is None:
            self._reader = open_video(self.name)
        return self._reader

    def close(self) -> None:
        """Close what is open."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


def as_source(source: Source | str | os.PathLike) -> Source:
    """A ``Source`` of what may be one already."""
    return source if isinstance(source, Source) else Source(source)


def is_camera(text: str | None) -> bool:
    """Return whether a source of this name is a camera, or what stands in for one."""
    return text is not None and text.startswith(PREFIX)


def is_video(text: str | os.PathLike) -> bool:
    """Return whether a path or address is that of a video, as ``Source`` judges it."""
    found, reader = _moving(os.fspath(text))
    if reader is not None:
        reader.close()
    return found


def _moving(text: str) -> tuple[bool, VideoReader | None]:
    """(whether it is a video, the reader where it had to be opened to know that): by its address, its suffix, its first
    bytes, and where these say nothing by what a decoder makes of it."""
    if is_url(text) or is_animation(text):
        return True, None
    name = text.lower()
    if name.endswith(VIDEO_SUFFIXES) or not os.path.isfile(text):
        return name.endswith(VIDEO_SUFFIXES), None
    try:
        with open(text, "rb") as file:
            kind = kind_of(file.read(HEAD))
    except OSError:
        return False, None  # whoever reads it will tell
    if kind not in (None, "VIDEO"):
        return False, None
    try:
        return True, open_video(text)
    except UserError:
        return kind == "VIDEO" and not Path(name).suffix, None
