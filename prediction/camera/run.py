"""A camera: everything is opened, run, and closed again."""
from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from typing import Any

from bgmatting.media import VIDEO_SUFFIXES, read_photo
from bgmatting.media.alignment.camera_motion import fitter
from bgmatting.media.video.libav import import_av
from bgmatting.media.video.sequence import RATE
from bgmatting.media.video.writer import FORMATS, format_of
from bgmatting.prediction.backdrop import BLUR, open_backdrop
from bgmatting.prediction.camera.device import END, open_source
from bgmatting.prediction.camera.preview import Meter, Window, drawn, lines_of
from bgmatting.prediction.camera.recording import Recording, timed_name
from bgmatting.prediction.camera.session import DELAY, WAITING, Session
from bgmatting.prediction.camera.virtual import VirtualCamera
from bgmatting.prediction.inputs import inputs_of
from bgmatting.prediction.options import CAMERA, ONE_OF, RECORDED, Options
from bgmatting.prediction.output_paths import check_free, check_output, folder_of, names_picture
from bgmatting.prediction.progress import Progress
from bgmatting.prediction.report import Report, stop_on_signal
from bgmatting.prediction.sizes import fit_size
from bgmatting.prediction.smoothing import Smoother
from bgmatting.prediction.video.empty_scene import first_frames
from bgmatting.utils.errors import UserError
from bgmatting.utils.files import check_place, prepare_folder, remove_leftovers_in

SUFFIXES = tuple(FORMATS[name].suffix for name in RECORDED)
BACKDROPS = {"white": "white", "#00b140": "green", BLUR: BLUR}  # key t; the green of cloths that are keyed


def run(options: Options, network: Callable[[], Any], progress: Progress) -> Report:
    """Matte what a camera sees until a key, a signal, or the end of the file that stands in for it.

    Args:
        network: () -> the network, called once the camera gives images.
    Raises:
        UserError: something cannot be used, or the camera stopped; the Report up to there is its attribute ``report``.
            OSError: the disk is full. Recordings are finished.
    """
    check(options)
    folder = folder_of(options.output, names_picture(options.output, SUFFIXES))
    check_place(folder)
    with ExitStack() as stack:
        window = sender = None
        if not options.no_window:
            window = Window()
            stack.callback(window.close)
        pictures = open_source(options.src, live=window is not None)
        stack.callback(pictures.close)
        if options.virtual_camera:
            sender = VirtualCamera(pictures.rate)
            stack.callback(sender.close)
        session = _session(options, pictures, network, folder, progress)
        stack.callback(session.close)
        prepare_folder(folder)
        remove_leftovers_in(folder, _is_recording(options.output))
        loop, stopped = _Loop(options.src, pictures, session, window, sender, progress), False

        def report():
            files = dict(enumerate(session.recorded))
            dropped = pictures.dropped if pictures.live else 0
            return Report(files, loop.matted, loop.seconds, stopped, session.notes, damaged=dropped)
        try:
            stopped = loop.run()
            if options.no_window and not stopped and not loop.matted:
                raise UserError(f"{options.src} ended before there was a background to matte with (--bgr {options.bgr}), so "
                                "nothing is written. Take fewer frames, or name a photo of the empty scene.")
        except Exception as error:
            session.close()
            error.report = report()
            raise
        session.close()
        return report()


class _Loop:
    """From the camera to the window, one image after the other. matted: how many; seconds: that it ran."""

    def __init__(self, name, source, session, window, sender, progress):
        self._name, self._source, self._session = name, source, session
        self._window, self._sender, self._progress = window, sender, progress
        self.matted, self.seconds, self._meter, self._told = 0, 0.0, Meter(), 0

    def run(self):
        """Go on until the session is done, the source has ended, or SIGINT or SIGTERM comes. Returns whether one did."""
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
                shown = drawn(view.picture, lines_of(view, self._session, self._meter, self._source.dropped))
            elif view.state == WAITING:
                raise UserError(f"{self._name} changed the size of its images; the background is of the old one. "
                                f"Start again.")
        if self._window is not None:
            self._session.key(self._window.show(shown))
        if shot is not None:
            self._meter.shown(shot.time)

    def _tell_notes(self):
        for note in self._session.notes[self._told:]:
            self._progress.note(note)
        self._told = len(self._session.notes)


def open_session(options: Options, matter: Any, background: Any = None, record: Callable | None = None,
                 backdrops: list | None = None) -> Session:
    """The ``Session`` of options: of a camera here, or of a browser's.

    Args:
        matter: the network as ``prediction.core.fitting`` has it for a camera. background: uint8 RGB (H, W, 3), or None: it
            is still to be taken. record: () -> ``Recording``, or None. backdrops: those of the options, where they are open.
    """
    fit = fitter(options.align, options.exposure, video=True)
    countdown = DELAY if options.countdown is None else options.countdown
    return Session(matter, backdrops or _backdrops(options.target_bgr), background, countdown, fit,
                   Smoother() if options.temporal else None, record, options.choice is not None and options.needs is None,
                   options.choice is None or options.choice.method.refines)


def _session(options, pictures, network, folder, progress):
    """The ``Session`` of the command line; the network is loaded last."""
    count = first_frames(options.bgr)
    background, notes = None, []
    if options.bgr is not None and count is None:
        background = fit_size(read_photo(options.bgr, notes), pictures.size, options.fit, options.src, options.bgr)
    for note in notes:
        progress.note(note)
    backdrops = _backdrops(options.target_bgr, Fraction(pictures.rate).limit_denominator(1001))
    suffix = "." + (options.format or "mp4")

    def record():
        return Recording(timed_name(folder, suffix), pictures.rate)
    session = open_session(options, network(), background, record, backdrops)
    if count is not None:
        session.capture(count, options.countdown or 0.0)
    if options.no_window and names_picture(options.output, SUFFIXES):
        session.recording = Recording(options.output, pictures.rate)
    elif options.no_window and not options.virtual_camera:
        session.recording = record()
    return session


def _backdrops(first, rate=RATE):
    """[(name, backdrop)] that key t goes through, ``first`` before the usual ones where it is not None. rate: of the
    camera."""
    texts = list(BACKDROPS) if first is None else [first, *BACKDROPS]
    return [(BACKDROPS.get(text, os.path.basename(text)), open_backdrop(text, rate=rate)) for text in dict.fromkeys(texts)]


def _is_recording(output):
    """name -> whether a recording of this command line may be called so."""
    own = os.path.basename(output) if names_picture(output, SUFFIXES) else None
    return lambda name: name == own or name.startswith("camera_") and name.endswith(SUFFIXES)


def check(options: Options) -> None:
    """Raise UserError for what does not go together; opens nothing."""
    if options.type not in (None, ("com",)):
        raise UserError(f"a camera gives com; --type {' '.join(options.type)} is for photos and videos.")
    if options.countdown is not None and options.needs is None and options.choice is not None:
        raise UserError("--countdown is for taking the background, and this network needs none. Leave it out.")
    if options.bgr is None and options.no_window and (options.needs == "bgr" or options.choice is None):
        raise UserError("--no-window has no key b, so it needs the scene without the subject: --bgr PHOTO, or --bgr "
                        "first:15 where the first 15 frames show it.")
    if options.bgr == "median" or (options.bgr or "").lower().endswith(VIDEO_SUFFIXES):
        raise UserError(f"--bgr {options.bgr} is for videos. For a camera name a photo or first:N, or press b in the "
                        f"window.")
    first_frames(options.bgr)
    if names_picture(options.output, SUFFIXES):
        _check_file(options)
    check_output(options.output, ONE_OF[CAMERA], SUFFIXES if options.no_window else ())
    import_av()


def _check_file(options):
    if not options.no_window:
        raise UserError(f"--output {options.output} is one file; recordings by key r are named by their time: name their "
                        f"folder. --no-window writes one file.")
    if options.format is not None and options.format != format_of(options.output):
        raise UserError(f"--output {options.output} is not {options.format}. Leave --format out.")
    check_free([options.output], inputs_of(options), options.overwrite)
