"""Where files are decoded: ``HERE``, in this process, or by an ``Isolated``, in processes of their own.

Whoever reads a photo or video that a user named takes one of the two, and hands it functions of a path; see there.
"""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from typing import Any

from bgmatting.media.video.isolated import IsolatedReader
from bgmatting.media.video.reader import VideoReader, open_video
from bgmatting.utils.isolation import Workers


class InPlace:
    """This process does it."""

    def call(self, function: Callable, what: Any, *args: Any, name: object = None) -> Any:
        """``function(what, *args)``. what: most often a path. name: of it, for messages; by default ``what`` itself."""
        return function(what, *args)

    def stream(self, function: Callable, path: str | os.PathLike,
               *args: Any) -> AbstractContextManager[Iterator[Any]]:
        """A context manager with the iterator ``function(path, *args)``."""
        return closing(function(path, *args))

    def video(self, path: str | os.PathLike, sound: bool = True) -> VideoReader:
        """As ``media.video.reader.open_video``."""
        return open_video(path, sound=sound)


HERE = InPlace()


class Isolated:
    """As ``InPlace``, in other processes; what goes wrong there is a UserError here.

    Args:
        calls, streams: ``utils.isolation.Workers`` with the CLASSES of ``media.video.isolated``. A stream holds a worker of
            its own until it ends, so that calls may not wait for those.
        most_frames: of a video; they are counted up to there, without decoding, when it is opened. None: they are not.
    """

    def __init__(self, calls: Workers, streams: Workers, most_frames: int | None = None):
        self._calls, self._streams, self._most = calls, streams, most_frames

    def call(self, function: Callable, what: Any, *args: Any, name: object = None) -> Any:
        """As ``InPlace.call``; functions and errors as ``Workers.call`` has them."""
        what = os.fspath(what) if isinstance(what, os.PathLike) else what
        return self._calls.call(function, what, *args, name=what if name is None else name)

    def stream(self, function: Callable, path: str | os.PathLike,
               *args: Any) -> AbstractContextManager[Iterator[Any]]:
        """As ``InPlace.stream``; functions and errors as ``Workers.stream`` has them."""
        return self._streams.stream(function, os.fspath(path), *args, name=path)

    def video(self, path: str | os.PathLike, sound: bool = True) -> IsolatedReader:
        """As ``InPlace.video``."""
        return IsolatedReader(self, path, sound, self._most)

    def close(self) -> None:
        """End the processes."""
        self._calls.close()
        self._streams.close()
