"""Sources of mattes: classified once, opened once."""
from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from bgmatting.media import VIDEO_SUFFIXES, is_animation
from bgmatting.media.formats import kind_of
from bgmatting.media.video.opening import is_url
from bgmatting.media.video.reader import VideoReader, open_video
from bgmatting.media.video.sequence import RawReader, SequenceReader, is_sequence
from bgmatting.prediction.options import CAMERA, PHOTO, PHOTOS, PIPE, SEQUENCE, VIDEO, Options, size_of
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import PROJECT

PREFIX = "camera:"
SAMPLE = tuple(str(PROJECT / "image" / "sample" / name) for name in ("src.jpg", "bgr.jpg"))
HEAD = 64  # bytes that tell a file's format


class Source:
    """A source: what ``name`` refers to.

    Args:
        name: path of a photo, of a folder of photos, of a video or of a plate; pattern of numbered images; address of a
            stream; "camera:" and a number, a path or an address.
        kind: where that is known already. "-" is raw frames on stdin where it is "sequence".
    Attributes:
        name: as text. kind: one of ``prediction.options.KINDS``; a path where nothing is counts by its suffix.
    """

    def __init__(self, name: str | os.PathLike, kind: str | None = None):
        self.name, self._reader = os.fspath(name), None
        if kind is not None:
            self.kind = kind
        elif is_camera(self.name):
            self.kind = CAMERA
        elif not is_url(self.name) and os.path.isdir(self.name):
            self.kind = PHOTOS
        elif is_sequence(self.name):
            self.kind = SEQUENCE
        else:
            found, self._reader = _moving(self.name)
            self.kind = VIDEO if found else PHOTO

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def reader(self, options: Options | None = None, sound: bool = True) -> VideoReader | SequenceReader | RawReader:
        """The open video, which is this object's. Raises UserError where it cannot be read.

        Args:
            options: where it is what they are about: how sequences are read. sound: whether it is wanted.
        """
        if self._reader is not None:
            return self._reader
        if self.kind != SEQUENCE:
            self._reader = open_video(self.name, sound=sound)
        elif self.name == PIPE:
            self._reader = RawReader(options.stdin or sys.stdin.buffer, size_of(options.size), options.frame_rate)
        elif options is None:
            self._reader = SequenceReader(self.name)
        else:
            self._reader = SequenceReader(self.name, options.frame_rate, options.premultiplied)
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
    """Return whether a path or address is that of a video or sequence, as ``Source`` judges it."""
    if is_sequence(text):
        return not os.path.isfile(text)  # one plate is a still
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
