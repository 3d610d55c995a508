"""The loop between camera, session, preview and virtual camera."""
from __future__ import annotations

import time
from typing import Any

from bgmatting.prediction.camera.capture import END, Every, Newest
from bgmatting.prediction.camera.preview import Meter, drawn, lines_of
from bgmatting.prediction.camera.session import WAITING, Session
from bgmatting.prediction.progress import Progress
from bgmatting.prediction.report import stop_on_signal
from bgmatting.utils.errors import UserError


class Loop:
    """Takes pictures from ``source`` (``capture``), hands them to a ``Session``, and what it makes of them to the others.

    Args:
        name: of the camera, for messages. window: a ``Window``, or None. sender: a ``VirtualCamera``, or None.
        progress: ``prediction.progress.Progress``.
    Attributes:
        matted: number of pictures; seconds that it ran; meter: rate and delay of the last pictures.
    """

    def __init__(self, name: str, source: Every | Newest, session: Session, window: Any, sender: Any, progress: Progress):
        self._name, self._source, self._session = name, source, session
        self._window, self._sender, self._progress = window, sender, progress
        self.matted, self.seconds, self.meter, self._told = 0, 0.0, Meter(), 0

    def run(self) -> bool:
        """Go on until the session is done, the source has ended, or SIGINT or SIGTERM comes. Returns whether one did.

        Raises:
            UserError: the camera stopped or changed its size, or something cannot be written. OSError: the disk is full.
        """
        started = time.perf_counter()
        try:
            with stop_on_signal() as stopped:
                while not self._session.done:
                    if stopped():
                        return True
                    shot = self._source.next()
                    if shot is END:
                        break
                    self._picture(shot)
                    if self._window is None and self.matted:
                        self._progress.frame(self.matted, None)
            return False
        finally:
            self.seconds = time.perf_counter() - started

    def _picture(self, shot):
        """One turn; shot is None where the camera has nothing new, and only keys are looked for."""
        shown = None
        if shot is not None:
            view = self._session.frame(shot.image, shot.time)
            self._tell_notes()
            if view.com is not None:
                self.matted += 1
                if self._sender is not None:
                    self._sender.send(view.com)
            if self._window is not None:
                shown = drawn(view.picture, lines_of(view, self._session, self.meter, self._source.dropped))
            elif view.state == WAITING:
                raise UserError(f"{self._name} changed the size of its pictures; the background is of the old one. "
                                f"Start again.")
        if self._window is not None:
            self._session.key(self._window.show(shown))
        if shot is not None:
            self.meter.shown(shot.time)

    def _tell_notes(self):
        for note in self._session.notes[self._told:]:
            self._progress.note(note)
        self._told = len(self._session.notes)
