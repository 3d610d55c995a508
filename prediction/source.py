"""What is to be matted: classified once, opened once."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bgmatting.media import VIDEO_SUFFIXES, is_animation
from bgmatting.media.decoding import HERE, InPlace, Isolated
from bgmatting.media.formats import kind_of
from bgmatting.media.video.isolated import IsolatedReader
from bgmatting.media.video.opening import is_url
from bgmatting.media.video.reader import VideoReader, open_video
from bgmatting.prediction.options import CAMERA, PHOTO, PHOTOS, VIDEO
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT

PREFIX = "camera:"
SAMPLE = tuple(str(PROJECT / "image" / "sample" / name) for name in ("src.jpg", "bgr.jpg"))
HEAD = 64  # bytes that tell a file's format


class Source:
    """What ``name`` names.

    Args:
        name: path of a photo, of a folder of photos or of a video; address of a stream; "camera:" and a number, a path or an
            address.
        kind: where that is known already.
        decoding: by what its files, and all that go with them, are decoded: one of ``media.decoding``.
    Attributes:
        name: as text. kind: "photo", "photos", "video" or "camera"; a path where nothing is counts by its suffix. decoding.
    """

    def __init__(self, name: str | os.PathLike, kind: str | None = None, decoding: InPlace | Isolated = HERE):
        self.name, self.decoding, self._reader = os.fspath(name), decoding, None
        if kind is not None:
            self.kind = kind
        elif is_camera(self.name):
            self.kind = CAMERA
        elif not is_url(self.name) and os.path.isdir(self.name):
            self.kind = PHOTOS
        else:
            self.kind = VIDEO if is_video(self.name, decoding) else PHOTO

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def reader(self) -> VideoReader | IsolatedReader:
        """The open video, which is this object's. Raises UserError where it cannot be read."""
        if self._reader is None:
            self._reader = self.decoding.video(self.name)
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
    """Whether a source of this name is a camera, or what stands in for one."""
    return text is not None and text.startswith(PREFIX)


def is_video(text: str | os.PathLike, decoding: InPlace | Isolated = HERE) -> bool:
    """Whether a path or address is that of a video, as ``Source`` judges it."""
    return is_url(text) or decoding.call(moves, os.fspath(text))


def moves(path: str) -> bool:
    """Whether a file is a video or an animation: by its suffix, its first bytes, and where these say nothing by what a
    decoder makes of it."""
    if is_animation(path):
        return True
    name = path.lower()
    if name.endswith(VIDEO_SUFFIXES) or not os.path.isfile(path):
        return name.endswith(VIDEO_SUFFIXES)
    try:
        with open(path, "rb") as file:
            kind = kind_of(file.read(HEAD))
    except OSError:
        return False  # whoever reads it will tell
    if kind not in (None, "VIDEO"):
        return False
    try:
        open_video(path).close()
        return True
    except UserError:
        return kind == "VIDEO" and not Path(name).suffix
