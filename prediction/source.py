"""Sources of mattes: classified once, opened once."""
from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from bgmatting.media import VIDEO_SUFFIXES, is_animation
from bgmatting.media.decoding import HERE, InPlace, Isolated
from bgmatting.media.formats import kind_of
from bgmatting.media.video.isolated import IsolatedReader
from bgmatting.media.video.opening import is_url
from bgmatting.media.video.reader import Frame, Info, VideoReader, open_video
from bgmatting.media.video.sequence import RATE, RawReader, SequenceReader, is_sequence, read_still
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
        decoding: by what its files, and all that go with them, are decoded: one of ``media.decoding``; sequences are not.
    Attributes:
        name: as text. kind: one of ``prediction.options.KINDS``; a path where nothing is counts by its suffix. decoding.
    """

    def __init__(self, name: str | os.PathLike, kind: str | None = None, decoding: InPlace | Isolated = HERE):
        self.name, self.decoding, self._reader = os.fspath(name), decoding, None
        if kind is not None:
            self.kind = kind
        elif is_camera(self.name):
            self.kind = CAMERA
        elif not is_url(self.name) and os.path.isdir(self.name):
            self.kind = PHOTOS
        elif is_sequence(self.name):
            self.kind = SEQUENCE
        else:
            self.kind = VIDEO if is_video(self.name, decoding) else PHOTO

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def reader(self, options: Options | None = None, sound: bool = True, premultiplied: bool = False,
               usual: Fraction = RATE) -> VideoReader | IsolatedReader | SequenceReader | RawReader:
        """The open video, which is this object's. Raises UserError where it cannot be read.

        Args:
            options: where it is what they are about: how sequences are read. sound: whether it is wanted. premultiplied:
                without options, whether plates with alpha are. usual: and frames a second of a sequence that states none.
        """
        if self._reader is not None:
            return self._reader
        if self.kind != SEQUENCE:
            self._reader = self.decoding.video(self.name, sound)
        elif self.name == PIPE:
            self._reader = RawReader(options.stdin or sys.stdin.buffer, size_of(options.size), options.frame_rate)
        elif options is None:
            self._reader = SequenceReader(self.name, premultiplied=premultiplied, usual=usual)
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


def is_video(text: str | os.PathLike, decoding: InPlace | Isolated = HERE) -> bool:
    """Return whether a path or address is that of a video or sequence, as ``Source`` judges it."""
    if is_sequence(text):
        return not os.path.isfile(text)  # one plate is a still
    return is_url(text) or decoding.call(moves, os.fspath(text))


def still(path: str, premultiplied: bool = False) -> tuple[np.ndarray, list[str]]:
    """(``media.video.sequence.read_still``, remarks on it) of a path."""
    notes = []
    return read_still(path, notes, premultiplied), notes


def info_of(path: str, usual: Fraction = RATE) -> Info:
    """The ``Info`` of a video or sequence; usual as ``Source.reader``."""
    with Source(path).reader(sound=False, usual=usual) as reader:
        return reader.info


def frames_of(path: str, deep: bool = False, premultiplied: bool = False, usual: Fraction = RATE) -> Iterator[Frame]:
    """The frames of a video or sequence without sound; uint16, too, where that is wanted and there is more to them.
    premultiplied: plates with alpha are. usual: as ``Source.reader``."""
    with Source(path).reader(sound=False, premultiplied=premultiplied, usual=usual) as reader:
        reader.want_depth(deep)
        for found, pts, duration in reader.timed():
            try:
                image = None if found is None else reader.images(found)
            except Exception:  # whatever is wrong with one frame, the others are shown
                continue
            if image is not None:
                yield Frame(image[0], pts, duration, [], image[1])


def moves(path: str) -> bool:
    """Return whether a file is a video or an animation: by its suffix, its first bytes, and where these say nothing by what
    a decoder makes of it."""
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
